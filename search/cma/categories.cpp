// SPDX-License-Identifier: Apache-2.0
#include "search/cma/categories.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tune::detail {

Categories::Categories(std::vector<std::size_t> counts, double margin) {
  std::size_t free = 0;
  for (const std::size_t n : counts) {
    chances_.emplace_back(n, 1.0 / static_cast<double>(n));
    margins_.push_back(margin / static_cast<double>(n - 1));
    free += n - 1;
  }
  path_.assign(free, 0.0);
}

void Categories::begin(std::size_t axis, std::vector<double> chances) {
  chances_[axis] = std::move(chances);
  hold_margin(axis);
}

std::vector<std::size_t> Categories::sample(Rng& rng) const {
  std::vector<std::size_t> out;
  out.reserve(size());
  for (const auto& q : chances_) {
    double u = rng.uniform();
    std::size_t k = 0;
    while (k + 1 < q.size() && u >= q[k]) u -= q[k++];
    out.push_back(k);
  }
  return out;
}

void Categories::tell(std::span<const std::vector<std::size_t>> best_first, std::span<const double> weights) {
  if (path_.empty()) return;
  std::vector<std::vector<double>> gradient;  // Natural: the weighted mean of (one-hot - q).
  std::vector<double> step;                   // The same times the root of the Fisher matrix: Akimoto et al., appendix B.
  step.reserve(path_.size());
  for (std::size_t i = 0; i < size(); ++i) {
    const auto& q = chances_[i];
    auto& g = gradient.emplace_back(q.size(), 0.0);
    for (std::size_t k = 0; k < weights.size(); ++k) {
      for (std::size_t c = 0; c < q.size(); ++c) g[c] -= weights[k] * q[c];
      g[best_first[k][i]] += weights[k];
    }
    const double last = q.back(), sum = std::accumulate(g.begin(), g.end() - 1, 0.0);
    for (std::size_t c = 0; c + 1 < q.size(); ++c)
      step.push_back(g[c] / std::sqrt(q[c]) + std::sqrt(q[c]) * sum / (last + std::sqrt(last)));
  }
  const double length = std::sqrt(std::inner_product(step.begin(), step.end(), step.begin(), 0.0));
  if (!(length > 0)) return;  // The samples say what the distribution says already.

  const double epsilon = step_ / (length + 1e-8);
  for (std::size_t i = 0; i < size(); ++i)
    for (std::size_t c = 0; c < chances_[i].size(); ++c) chances_[i][c] += epsilon * gradient[i][c];

  constexpr double alpha = 1.5;
  step_ = 1 / divisor_;
  const double beta = std::min(1.0, step_ / std::sqrt(static_cast<double>(path_.size())));
  double power = 0;
  for (std::size_t j = 0; j < path_.size(); ++j) {
    path_[j] = (1 - beta) * path_[j] + std::sqrt(beta * (2 - beta)) * step[j] / length;
    power += path_[j] * path_[j];
  }
  path_power_ = (1 - beta) * (1 - beta) * path_power_ + beta * (2 - beta);
  divisor_ *= std::exp(beta * (path_power_ - power / alpha));
  for (std::size_t i = 0; i < size(); ++i) hold_margin(i);
}

void Categories::hold_margin(std::size_t axis) {
  auto& q = chances_[axis];
  const double least = margins_[axis];
  for (double& p : q) p = std::max(p, least);
  const double sum = std::accumulate(q.begin(), q.end(), 0.0), spare = sum - least * static_cast<double>(q.size());
  if (spare > 0)
    for (double& p : q) p -= (sum - 1) * (p - least) / spare;
  const double whole = std::accumulate(q.begin(), q.end(), 0.0);
  for (double& p : q) p /= whole;
}

}  // namespace tune::detail
