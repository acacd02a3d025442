// SPDX-License-Identifier: Apache-2.0
#include "schedulers/racing.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "schedulers/signed_rank.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();

double spent_at(double alpha, std::int64_t look) {
  const double k = static_cast<double>(look);
  return alpha * 6 / (std::numbers::pi * std::numbers::pi * k * k);
}

// Four digits are enough for people; the note has all.
std::string short_text(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 4).ptr};
}

}  // namespace

void Racing::withdraw(TrialId id) {
  Runner& r = runners_[id];
  if (!std::exchange(r.stands, false)) return;
  const auto group = field_.find(r.results.size());
  group->second.erase(place(r, id));
  if (group->second.empty()) field_.erase(group);
}

void Racing::settled(const History&, const Trial& t) {
  if (t.state != TrialState::complete) withdraw(t.id);
}

std::optional<StopRule::Judgement> Racing::judge(const History& history, const Trial& t, const Reported& report) {
  const auto score = history.score(report.metrics);
  if (!score) return std::nullopt;
  Runner& r = runners_[t.id];
  withdraw(t.id);
  // What it reports outside its outcome constraints is worth nothing.
  r.results.push_back({report.step, t.feasible ? *score : kWorst});
  r.sum += r.results.back().score;
  std::optional<Judgement> judgement;
  if (const auto best = is_look(r) ? incumbent(r.results.size()) : std::nullopt) judgement = look(r, runners_[*best], *best, history);
  if (!t.feasible || (judgement && judgement->stops)) return judgement;
  r.stands = true;
  field_[r.results.size()].insert(place(r, t.id));
  return judgement;
}

bool Racing::is_look(const Runner& r) const {
  const auto done = static_cast<std::int64_t>(r.results.size());
  return done >= options_.min_instances && (done - options_.min_instances) % options_.every == 0 && done != options_.instances;
}

// Asked while the trial itself stands aside.
std::optional<TrialId> Racing::incumbent(std::size_t results) const {
  if (field_.empty() || field_.rbegin()->first < results) return std::nullopt;
  return field_.rbegin()->second.begin()->second;
}

Racing::Judgement Racing::look(Runner& r, const Runner& incumbent, TrialId best, const History& history) const {
  std::vector<double> worse;
  double own_sum = 0, best_sum = 0;
  for (auto a = r.results.cbegin(), b = incumbent.results.cbegin(); a != r.results.cend() && b != incumbent.results.cend();) {
    if (a->step != b->step) {
      a->step < b->step ? void(++a) : void(++b);
      continue;
    }
    worse.push_back(a->score == b->score ? 0 : a->score - b->score);
    own_sum += a->score, best_sum += b->score;
    ++a, ++b;
  }
  const std::int64_t k = ++r.looks;
  if (!(own_sum > best_sum)) return {};
  const double p = detail::signed_rank_p(worse), limit = options_.spends ? spent_at(options_.alpha, k) : options_.alpha;
  if (!(p < limit)) return {};
  const auto common = static_cast<double>(worse.size());
  Judgement out{true,
                "on " + std::to_string(worse.size()) + " instances its mean is " + to_text(history.value(own_sum / common)) + ", that of trial " +
                    std::to_string(best.value) + " " + to_text(history.value(best_sum / common)) + ": p " + short_text(p) + " < " +
                    short_text(limit) + " at look " + std::to_string(k),
                {}};
  JsonWriter json(out.note);
  json.begin_object().key("incumbent").value(best.value).key("common").value(static_cast<std::int64_t>(worse.size()));
  json.key("look").value(k).key("p").value(p).key("limit").value(limit).end_object();
  return out;
}

SchedulerEntry racing() {
  using Kind = Option::Kind;
  return {{"racing",
           "Stops a trial that is clearly worse than the best one on the instances, or folds, that both have done.",
           {{"alpha", Kind::number, "0.1", "Chance that a trial is stopped by one that is no better, over all looks.", 1e-12, 0.5},
            {"min_instances", Kind::integer, "5", "No trial is stopped before so many.", 2, 1e9},
            {"every", Kind::integer, "5", "Looks again after every so many more.", 1, 1e9}},
           false,
           true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto number = [&](std::string_view name) { return *to_number(*c.options.find(name)); };
            RacingOptions options{number("alpha"), static_cast<std::int64_t>(number("min_instances")),
                                  static_cast<std::int64_t>(number("every")), static_cast<std::int64_t>(c.spec.instances.size())};
            return std::unique_ptr<Scheduler>(std::make_unique<Racing>(options));
          }};
}

}  // namespace tune
