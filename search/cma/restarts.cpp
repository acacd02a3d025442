// SPDX-License-Identifier: Apache-2.0
#include "search/cma/restarts.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {

Restarts::Run Restarts::next(std::int64_t spent, Rng rng) {
  (small_ ? by_small_ : by_large_) += spent;
  if (!small_) last_large_ = spent;
  small_ = rule_ == Rule::bipop && by_small_ < by_large_;
  if (!small_) {
    doublings_ = std::min(doublings_ + 1, 20);
    return {population_ << doublings_, sigma_};
  }
  // Between the default population and half the largest one, small ones more often; steps down to a hundredth.
  const double u = rng.uniform(), v = rng.uniform(), most = std::ldexp(0.5, doublings_);
  return {static_cast<int>(population_ * std::pow(most, u * u)), sigma_ * std::pow(10.0, -2 * v), last_large_ / 2};
}

}  // namespace tune::detail
