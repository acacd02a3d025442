// SPDX-License-Identifier: Apache-2.0
#include "schedulers/quantile.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {

void Quantile::add(double x) {
  if (low_.empty() || x < low_.top())
    low_.push(x);
  else
    high_.push(x);
  // The small number keeps 0.35 of 20 whole. At most one number has to move, for the count grows by one at most.
  const double place = std::ceil(share_ * static_cast<double>(size()) - 1e-9);
  const auto count = std::max<std::size_t>(1, static_cast<std::size_t>(place));
  if (low_.size() > count) high_.push(low_.top()), low_.pop();
  if (low_.size() < count) low_.push(high_.top()), high_.pop();
}

}  // namespace tune::detail
