// SPDX-License-Identifier: Apache-2.0
#include "schedulers/curve.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace tune {
namespace {

// For people: four digits of what is an estimate.
std::string about(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 4).ptr};
}

}  // namespace

std::optional<StopRule::Judgement> Curve::judge(const History& history, const Trial& t, const Reported& report) {
  const double score = history.score(report.metrics).value_or(INFINITY);
  Course& c = courses_[t.id];
  if (!std::isfinite(score) || c.over) return std::nullopt;
  c.points.add({report.step, score});
  if (report.step >= options_.max_step) {
    ended(c, score, t.feasible);
    return std::nullopt;
  }
  const bool early = static_cast<double>(report.step) < options_.after * static_cast<double>(options_.max_step) ||
                     c.points.count() < options_.min_reports || model_.learned() < options_.min_trials;
  if (early || !t.feasible || !std::isfinite(best_)) return std::nullopt;
  if (score < best_) return Judgement{};
  const auto p = model_.predict(c.points.all(), best_);
  if (!(p.chance < options_.chance)) return Judgement{};
  return Judgement{true, "at step " + std::to_string(report.step) + " it is expected to end with " + about(history.value(p.mean)) + " +- " +
                             about(p.deviation) + " at step " + std::to_string(options_.max_step) + ": a chance of " + about(p.chance) +
                             " to be better than " + to_text(history.value(best_))};
}

void Curve::settled(const History&, const Trial& t) {
  Course& c = courses_[t.id];
  const auto points = c.points.all();
  if (t.state == TrialState::complete && !c.over && !points.empty()) return ended(c, points.back().score, t.feasible);
  c = {};
}

void Curve::ended(Course& c, double score, bool feasible) {
  model_.learn(c.points.all(), score);
  if (feasible) best_ = std::min(best_, score);
  c = {{}, true};
}

SchedulerEntry curve() {
  using Kind = Option::Kind;
  return {{"curve",
           "Stops a trial whose learning curve says that it will hardly become the best one.",
           {{"max_step", Kind::integer, "", "Steps of a whole trial. Default, among `rules`: that of the scheduler.", 2, 1e15},
            {"chance", Kind::number, "0.05", "Less chance than this to become the best one is too little.", 1e-6, 0.5},
            {"after", Kind::number, "0.1", "No trial is stopped before this share of `max_step`.", 0, 1},
            {"min_reports", Kind::integer, "4", "Nor before it has reported so often.", 1, 1e9},
            {"min_trials", Kind::integer, "5", "Nor before so many trials have gone to their end.", 2, 1e9}},
           false,
           true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto number = [&](std::string_view name) { return *to_number(*c.options.find(name)); };
            const auto* given = c.options.find("max_step");
            if (!given) given = c.spec.scheduler.options.find("max_step");
            if (!given || !std::holds_alternative<std::int64_t>(*given))
              return Error{Error::Code::invalid, "scheduler.max_step: curve must know how many steps a whole trial has", "\"max_step\": 100"};
            return std::unique_ptr<Scheduler>(std::make_unique<Curve>(
                CurveOptions{std::get<std::int64_t>(*given), number("chance"), number("after"),
                             static_cast<std::int64_t>(number("min_reports")), static_cast<std::int64_t>(number("min_trials"))}));
          }};
}

}  // namespace tune
