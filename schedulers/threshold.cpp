// SPDX-License-Identifier: Apache-2.0
#include "schedulers/threshold.hpp"

namespace tune {

std::optional<StopRule::Judgement> Threshold::judge(const History&, const Trial&, const Reported& report) {
  if (report.step < options_.after_step) return std::nullopt;
  const auto value = report.metrics.find(options_.metric);
  if (!value) return std::nullopt;
  const bool below = options_.min && !(*value >= *options_.min), above = options_.max && !(*value <= *options_.max);
  if (!below && !above) return Judgement{};
  std::string why = "at step " + std::to_string(report.step) + " `" + printable(options_.metric) + "` is " + to_text(*value);
  if (*value == *value) why += below ? ", below " + to_text(*options_.min) : ", above " + to_text(*options_.max);
  return Judgement{true, std::move(why)};
}

SchedulerEntry threshold() {
  using Kind = Option::Kind;
  return {{"threshold",
           "Stops a trial as soon as a metric is outside of its bounds.",
           {{"metric", Kind::text, "", "The reported number. Default: the objective's."},
            {"min", Kind::number, "", "Below this it is outside."},
            {"max", Kind::number, "", "Above this it is outside. One of the two is needed."},
            {"after_step", Kind::integer, "0", "Earlier steps are not looked at.", 0, 1e15}},
           false,
           true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            ThresholdOptions o;
            const auto* metric = c.options.find("metric");
            o.metric = metric ? std::get<std::string>(*metric) : c.spec.objectives.front().metric;
            if (const auto* min = c.options.find("min")) o.min = to_number(*min);
            if (const auto* max = c.options.find("max")) o.max = to_number(*max);
            o.after_step = static_cast<std::int64_t>(*to_number(*c.options.find("after_step")));
            if (!o.min && !o.max)
              return Error{Error::Code::invalid, "scheduler.max: a threshold needs `min`, `max` or both", "\"max\": 100"};
            if (o.min && o.max && *o.min > *o.max)
              return Error{Error::Code::invalid, "scheduler.min: must not be above `max`, which is " + to_text(*o.max), ""};
            return std::unique_ptr<Scheduler>(std::make_unique<Threshold>(std::move(o)));
          }};
}

}  // namespace tune
