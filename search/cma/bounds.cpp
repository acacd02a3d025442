// SPDX-License-Identifier: Apache-2.0
#include "search/cma/bounds.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {

void Bounds::learn(std::vector<double> values) {
  if (values.size() < 4) return;
  std::sort(values.begin(), values.end());
  const double spread = values[3 * values.size() / 4] - values[values.size() / 4];
  if (!(spread > 0 && std::isfinite(spread))) return;
  spreads_.push_back(spread);
  const std::size_t keep = 20 + 3 * bounded_.size() / values.size();
  if (spreads_.size() > keep) spreads_.erase(spreads_.begin());
}

std::vector<double> Bounds::penalties(const std::vector<Eigen::VectorXd>& samples, const CmaEs& cma) const {
  std::vector<double> out(samples.size(), 0.0);
  if (spreads_.empty()) return out;
  auto sorted = spreads_;
  std::nth_element(sorted.begin(), sorted.begin() + static_cast<std::ptrdiff_t>(sorted.size() / 2), sorted.end());
  const Eigen::ArrayXd variances = cma.covariance().diagonal().array();
  const double weight = 0.2 * sorted[sorted.size() / 2] / (cma.sigma() * cma.sigma() * variances.sum());
  const Eigen::ArrayXd logs = variances.log();
  const Eigen::ArrayXd scales = (0.9 * (logs - logs.mean())).exp();
  for (std::size_t k = 0; k < samples.size(); ++k)
    for (std::size_t i = 0; i < bounded_.size(); ++i) {
      const double x = samples[k][static_cast<Eigen::Index>(i)], beyond = x - nearest(x);
      if (bounded_[i]) out[k] += weight * beyond * beyond / scales[static_cast<Eigen::Index>(i)];
    }
  return out;
}

}  // namespace tune::detail
