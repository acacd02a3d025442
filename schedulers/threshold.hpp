// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "schedulers/stop_rule.hpp"

namespace tune {

struct ThresholdOptions {
  std::string metric;             ///< Any that trials report, as they report it.
  std::optional<double> min, max; ///< A value below min or above max is outside. At least one of them.
  std::int64_t after_step = 0;    ///< Reports of earlier steps are not looked at.
};

/// Stops a trial as soon as a metric is outside of its bounds: a loss that exploded, a memory that grows. NaN is outside,
/// an infinity is compared like any number. A report without the metric is passed over, and so is one without the
/// objective, which no scheduler sees. Each report is judged by itself, whatever trial's checkpoint it comes from; a
/// trial that is retried is stopped again if it is still outside. Not a constraint of the search: what it stops is
/// `stopped` and keeps its value. `outcome_constraints` say which results are unusable.
///
/// learn: O(metrics of a report).
class Threshold final : public StopRule {
 public:
  explicit Threshold(ThresholdOptions options) : options_(std::move(options)) {}

 private:
  std::optional<Judgement> judge(const History&, const Trial&, const Reported&) override;

  ThresholdOptions options_;
};

SchedulerEntry threshold();

}  // namespace tune
