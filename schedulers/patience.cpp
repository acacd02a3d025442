// SPDX-License-Identifier: Apache-2.0
#include "schedulers/patience.hpp"

#include <cmath>

namespace tune {

std::optional<StopRule::Judgement> Patience::judge(const History& history, const Trial& t, const Reported& report) {
  Course& c = courses_[t.id];
  const double score = t.feasible ? history.score(report.metrics).value_or(INFINITY) : INFINITY;
  if (score < c.best - options_.min_delta) {
    c = {score, report.step};
    return Judgement{};
  }
  if (report.step - c.step < options_.steps) return Judgement{};
  std::string why = "at step " + std::to_string(report.step);
  if (!std::isfinite(c.best)) return Judgement{true, why + " nothing that it has reported since step " + std::to_string(c.step) + " counts"};
  why += " it is not better" + (options_.min_delta > 0 ? " by more than " + to_text(options_.min_delta) : "");
  return Judgement{true, why + " than the " + to_text(history.value(c.best)) + " of step " + std::to_string(c.step)};
}

SchedulerEntry patience() {
  using Kind = Option::Kind;
  return {{"patience",
           "Stops a trial that has not improved for so many steps.",
           {{"steps", Kind::integer, "10", "So many steps without an improvement are too many.", 1, 1e15},
            {"min_delta", Kind::number, "0", "An improvement is larger than this.", 0, 1e300}},
           false,
           true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto number = [&](std::string_view name) { return *to_number(*c.options.find(name)); };
            return std::unique_ptr<Scheduler>(
                std::make_unique<Patience>(PatienceOptions{static_cast<std::int64_t>(number("steps")), number("min_delta")}));
          }};
}

}  // namespace tune
