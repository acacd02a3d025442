// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/scores.hpp"

#include <algorithm>
#include <limits>

#include "bench/regret/report.hpp"
#include "tuner/json.hpp"

namespace tune::regret {

std::string label(const Run& r) {
  std::string out = r.tool;
  if (r.setting.workers != 1) out += "@" + std::to_string(r.setting.workers);
  if (r.setting.noise != 0) out += "~" + to_text(r.setting.noise);
  return out;
}

namespace detail {

Scores::Scores(const std::vector<Run>& runs) {
  for (const auto& r : runs) {
    const std::string problem = r.set + "/" + r.problem, tool = label(r);
    if (std::find(tools_.begin(), tools_.end(), tool) == tools_.end()) tools_.push_back(tool);
    double best = r.optimum.value_or(r.reference.best);
    for (const auto& [n, value] : r.best) best = std::min(best, value);
    const Yardstick y{best, r.reference.median, r.reference.worst, r.reference.early, r.floor_share};
    const auto [known, fresh] = yardsticks_.try_emplace(problem, y);
    if (!fresh) known->second.best = std::min(known->second.best, best);
    auto& slot = runs_[tool][problem];
    // A shorter run does not replace a longer one: the same seed may be in the file with several lengths.
    const auto old = slot.find(r.setting.seed);
    if (old == slot.end() || old->second.setting.trials <= r.setting.trials) slot[r.setting.seed] = r;
  }
}

std::vector<std::string> Scores::problems() const {
  std::vector<std::string> out;
  for (const auto& [name, y] : yardsticks_) out.push_back(name);
  return out;
}

const std::map<std::uint64_t, Run>* Scores::runs(const std::string& tool, const std::string& problem) const {
  const auto of_tool = runs_.find(tool);
  if (of_tool == runs_.end()) return nullptr;
  const auto found = of_tool->second.find(problem);
  return found == of_tool->second.end() ? nullptr : &found->second;
}

std::optional<std::vector<double>> Scores::regrets(const std::string& tool, const std::string& problem, int n) const {
  const auto* seeds = runs(tool, problem);
  if (!seeds) return std::nullopt;
  constexpr double kNone = 1e-9;
  const auto& y = yardsticks_.at(problem);
  std::vector<double> out;
  for (const auto& [seed, r] : *seeds) {
    if (r.setting.trials < n) continue;
    double value = y.worst;  // Nothing succeeded yet.
    for (const auto& [at, v] : r.best)
      if (at <= n) value = v;
    out.push_back(value - y.best < kNone ? 0 : value - y.best);
  }
  return out.empty() ? std::nullopt : std::optional{std::move(out)};
}

double Scores::normaliser(const std::string& problem) const {
  const auto& y = yardsticks_.at(problem);
  return std::max(y.median - y.best, std::numeric_limits<double>::min());
}

double Scores::floor(const std::string& problem) const {
  const auto& y = yardsticks_.at(problem);
  return y.floor_share * std::max(y.early - y.best, 1e-3 * normaliser(problem));
}

}  // namespace detail
}  // namespace tune::regret
