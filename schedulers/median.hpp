// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "schedulers/percentile.hpp"

namespace tune {

/// The median stopping rule (Golovin et al., "Google Vizier", KDD 2017, section 3.2.2): at a step, a trial is stopped
/// if its best value so far is strictly worse than the median of the running averages, up to that step, of the other
/// trials that reported at it. That is Percentile at 50, with averages. Vizier counts completed trials only, and learns
/// later.
SchedulerEntry median();

}  // namespace tune
