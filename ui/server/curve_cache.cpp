// SPDX-License-Identifier: Apache-2.0
#include "ui/server/curve_cache.hpp"

namespace tune {

std::shared_ptr<const DrawnCurve> CurveCache::find(const std::string& how, TrialId trial, Seq touched) const {
  const std::lock_guard lock(mutex_);
  const auto found = curves_.find({how, trial});
  return found != curves_.end() && found->second.first == touched ? found->second.second : nullptr;
}

void CurveCache::keep(const std::string& how, TrialId trial, Seq touched, std::shared_ptr<const DrawnCurve> curve) {
  const std::lock_guard lock(mutex_);
  if (points_ > kMost) curves_.clear(), points_ = 0;
  points_ += curve->step.size();
  curves_[{how, trial}] = {touched, std::move(curve)};
}

void CurveCache::clear() {
  const std::lock_guard lock(mutex_);
  curves_.clear(), points_ = 0;
}

}  // namespace tune
