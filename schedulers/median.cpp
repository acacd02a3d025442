// SPDX-License-Identifier: Apache-2.0
#include "schedulers/median.hpp"

namespace tune {

SchedulerEntry median() {
  return {{"median", "Stops a trial whose best value is worse than the median of what others had at the same step.",
           detail::percentile_option_table(), false, true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            PercentileOptions o{50, PercentileOptions::Others::averages};
            detail::read_percentile_options(c.options, o);
            return std::unique_ptr<Scheduler>(std::make_unique<Percentile>(o));
          }};
}

}  // namespace tune
