// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "bench/regret/run.hpp"
#include "bench/regret/synthetic_parts.hpp"

namespace tune::regret::test {

/// A tool that answers what the test wants, and counts what is under way.
class Scripted final : public Tool {
 public:
  using Answer = std::function<std::optional<Params>(std::int64_t trial)>;
  explicit Scripted(Answer answer) : answer_(std::move(answer)) {}
  std::string name() const override { return "scripted"; }
  std::string version() const override { return "1"; }
  Result<std::unique_ptr<Study>> open(const Problem&, std::uint64_t, int) override {
    return std::unique_ptr<Study>(std::make_unique<One>(*this));
  }

  int under_way = 0, most_under_way = 0, asked = 0;
  std::vector<double> told;

 private:
  struct One final : Study {
    explicit One(Scripted& owner) : tool(owner) {}
    Result<std::optional<Params>> ask(std::int64_t trial) override {
      auto answer = tool.answer_(trial);
      if (answer) tool.most_under_way = std::max(tool.most_under_way, ++tool.under_way), ++tool.asked;
      return answer;
    }
    Result<Done> tell(std::int64_t, const Params&, std::optional<double> value) override {
      --tool.under_way;
      if (value) tool.told.push_back(*value);
      return Done{};
    }
    double cpu_seconds() const override { return 0; }
    Scripted& tool;
  };
  Answer answer_;
};

/// (x - 0.25)^2 on [0, 1]; fails above 0.9.
inline Problem parabola() {
  Problem p;
  p.set = "test", p.name = "parabola", p.optimum = 0;
  p.space = Space::make({detail::number("x", 0, 1)}).value();
  p.evaluate = [](const Params& params) {
    const double x = std::get<double>(*params.find("x"));
    return x > 0.9 ? std::nullopt : std::optional{(x - 0.25) * (x - 0.25)};
  };
  return p;
}

inline Params at(double x) { return {{"x", x}}; }

/// Runs of a sampler of the table over some seeds.
inline std::vector<Run> runs_of(const std::string& sampler, const Problem& problem, int first_seed, int seeds, int trials) {
  const auto reference = measure_reference(problem);
  const auto tool = sampler_tool(sampler).value()().value();
  std::vector<Run> out;
  for (int s = first_seed; s < first_seed + seeds; ++s) {
    Setting setting;
    setting.seed = static_cast<std::uint64_t>(s), setting.trials = trials;
    out.push_back(run(*tool, problem, reference, setting).value());
  }
  return out;
}

}  // namespace tune::regret::test
