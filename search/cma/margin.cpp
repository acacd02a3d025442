// SPDX-License-Identifier: Apache-2.0
#include "search/cma/margin.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {
namespace {

constexpr double kSmall = 1e-8;

double below(double x) { return 0.5 * std::erfc(-x / std::sqrt(2.0)); }

// How many standard deviations away a chance of p lies. The papers write it as the root of a chi-square quantile.
double reach(double p) { return -normal_quantile(p); }

double chance(double p) { return std::clamp(p, kSmall, 0.5 - kSmall); }

}  // namespace

Margin::Margin(const Axes& axes, std::vector<std::size_t> gaussian, double margin)
    : axes_(&axes), gaussian_(std::move(gaussian)), margin_(margin) {
  for (std::size_t i = 0; i < gaussian_.size(); ++i)
    if (axes[gaussian_[i]].kind == Axis::Kind::ordered) ordered_.push_back({i});
}

double Margin::of_numbers(std::size_t axes, int population) { return 1 / (static_cast<double>(axes) * population); }

double Margin::of_mixed(std::size_t discrete) {
  return 1 - std::pow(0.73, 1 / static_cast<double>(std::max<std::size_t>(discrete, 1)));
}

double Margin::level(std::size_t i, double x) const {
  return (*axes_)[gaussian_[i]].kind == Axis::Kind::ordered ? cell(i, x).middle : x;
}

Margin::Cell Margin::cell(std::size_t i, double x) const {
  const std::size_t axis = gaussian_[i];
  double middle = axes_->coordinate(axis, x);
  double before = axes_->neighbour(axis, middle, -1), after = axes_->neighbour(axis, middle, 1);
  // Shares of uneven size: the border of two shares need not be half way between their middles.
  if (x > (middle + after) / 2 && after > middle) {
    before = middle, middle = after, after = axes_->neighbour(axis, middle, 1);
  } else if (x <= (before + middle) / 2 && before < middle) {
    after = middle, middle = before, before = axes_->neighbour(axis, middle, -1);
  }
  const double low = (before + middle) / 2, high = (middle + after) / 2;
  if (before == middle) return {middle, high, high};
  if (after == middle) return {middle, low, low};
  return {middle, low, high};
}

void Margin::centre(std::vector<Eigen::VectorXd>& best_first, const CmaEs& cma) {
  for (Ordered& o : ordered_) {
    const auto i = static_cast<Eigen::Index>(o.axis);
    const std::size_t mu = best_first.size() / 2;
    const double at_mean = cell(o.axis, cma.mean()[i]).middle;
    // To the middles where the level is another one than the mean's; that moves their sum by `bias`.
    double bias = 0, up = 0, down = 0;
    o.left = false;
    for (std::size_t k = 0; k < mu; ++k) {
      double& x = best_first[k][i];
      const double middle = cell(o.axis, x).middle, move = middle - x;
      if (middle != at_mean)
        o.left = true, bias += move, x = middle;
      else
        (move > 0 ? up : down) += move;
    }
    // Those at the mean's level go towards its middle as far as it takes to balance that.
    const double against = bias > 0 ? down : up;
    if (bias == 0 || against == 0) continue;
    const double share = std::min(1.0, -bias / against);
    for (std::size_t k = 0; k < mu; ++k) {
      double& x = best_first[k][i];
      const double move = at_mean - x;
      if (cell(o.axis, x).middle == at_mean && move * bias < 0) x += share * move;
    }
  }
}

void Margin::correct(CmaEs& cma) {
  for (std::size_t k = 0; k < ordered_.size(); ++k) {
    const std::size_t i = ordered_[k].axis;
    const Cell c = cell(i, cma.mean()[static_cast<Eigen::Index>(i)]);
    c.outermost() ? correct_edge(k, c, cma) : correct_inside(k, c, cma);
  }
}

void Margin::correct_edge(std::size_t k, const Cell& c, CmaEs& cma) {
  Ordered& o = ordered_[k];
  const auto i = static_cast<Eigen::Index>(o.axis);
  const double mean = cma.mean()[i], deviation = cma.deviation(o.axis);
  double p = std::max(below(-std::abs(mean - c.low) / (deviation * cma.scale()[i])), margin_);
  if (!o.left) p = std::min(p, o.rate);
  p = chance(p);
  // Half a level away from the border the margin must still be in reach.
  const double scale = std::max(cma.scale()[i], std::abs(c.middle - c.low) / (deviation * reach(chance(margin_))));
  cma.correct(o.axis, c.low + (c.middle > c.low ? 1 : -1) * deviation * scale * reach(p), scale);
  o.rate = p;
}

void Margin::correct_inside(std::size_t k, const Cell& c, CmaEs& cma) {
  Ordered& o = ordered_[k];
  const auto i = static_cast<Eigen::Index>(o.axis);
  const double mean = cma.mean()[i], deviation = cma.deviation(o.axis), total = deviation * cma.scale()[i];
  double low = below((c.low - mean) / total), high = below((mean - c.high) / total), inside = 1 - low - high;
  low = std::max(low, margin_ / 2), high = std::max(high, margin_ / 2);
  double least = margin_ / 2;  // Of staying.
  if (!o.left) least = 1 - o.rate, inside = std::max(inside, least);
  // What is too much or too little in sum is shared by what each has above its least.
  const double spare = low + high + inside - margin_ - least;
  if (spare > 0) {
    const double delta = (1 - low - high - inside) / spare;
    low += delta * (low - margin_ / 2), high += delta * (high - margin_ / 2);
  }
  low = chance(low), high = chance(high);
  const double to_low = reach(low), to_high = reach(high);
  cma.correct(o.axis, (c.low * to_high + c.high * to_low) / (to_low + to_high), (c.high - c.low) / ((to_low + to_high) * deviation));
  o.rate = low + high;
}

}  // namespace tune::detail
