// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>
#include <map>

#include "schedulers/quantile.hpp"
#include "schedulers/stop_rule.hpp"

namespace tune {

struct PercentileOptions {
  /// What of the others is compared with: what they reported at the step, or the average of all that they reported up to it.
  enum class Others : std::uint8_t { values, averages };
  double percentile = 25;       ///< This share of the trials is spared, the best ones. Above 0, below 100.
  Others others = Others::values;
  std::int64_t min_step = 1;    ///< No trial is stopped before this step.
  std::int64_t min_trials = 5;  ///< Nor before so many others have reported at the step.
  std::int64_t every = 1;       ///< Looks at every so many steps.
};

/// Stops a trial whose best value so far is strictly worse than the percentile, over the other trials that reported at the
/// same step, of what they had there (detail::Quantile). With values this is the rule of Optuna's PercentilePruner, which
/// interpolates between two values and waits for trials to complete. With averages and 50 it is the median stopping rule of Vizier
/// (schedulers/median.hpp).
///
/// Others count however they ended, or have not. Trials are compared at steps that they have in common: one that reports
/// steps 3, 7 and 12 is compared at these with those that report them too. A value that is not finite, or was reported outside
/// the outcome constraints, is worse than all others. A trial that goes on from another one's checkpoint has the best
/// and the average of what it reports from there; at steps that it repeats it is judged, and counts once. What a trial
/// reported before it was retried stays.
///
/// learn: O(log n) a report, 16 bytes kept for each.
class Percentile final : public StopRule {
 public:
  explicit Percentile(const PercentileOptions& options) : options_(options) {}

 private:
  struct Course {
    double sum = 0, best = std::numeric_limits<double>::infinity();
    std::int64_t count = 0;
    std::int64_t counted = -1;  // The furthest step at which it counts for others.
  };
  std::optional<Judgement> judge(const History&, const Trial&, const Reported&) override;
  void cloned(const Trial&) override;
  std::string told(const History&, std::int64_t step, double best, const detail::Quantile&) const;

  PercentileOptions options_;
  std::map<std::int64_t, detail::Quantile> steps_;
  detail::Courses<Course> courses_;
};

SchedulerEntry percentile();

namespace detail {
/// min_step, min_trials and every: the options that percentile and median share, and what they are set to.
std::vector<Option> percentile_option_table();
void read_percentile_options(const Params&, PercentileOptions&);
}  // namespace detail

}  // namespace tune
