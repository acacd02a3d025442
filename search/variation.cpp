// SPDX-License-Identifier: Apache-2.0
#include "search/variation.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {
namespace {

constexpr double kIndex = 20;  // Of both distributions: the higher, the nearer to the parent.

/// One of the two children of a < b, both in [0, 1].
double blend(double a, double b, Rng& rng) {
  const bool left = rng.below(2) == 0;
  const double u = rng.uniform(), room = left ? a : 1 - b;
  const double alpha = 2 - std::pow(1 + 2 * room / (b - a), -(kIndex + 1));
  const double spread = u * alpha <= 1 ? std::pow(u * alpha, 1 / (kIndex + 1)) : std::pow(1 / (2 - u * alpha), 1 / (kIndex + 1));
  const double half = (b - a) / 2, middle = (a + b) / 2;
  return std::clamp(left ? middle - spread * half : middle + spread * half, 0.0, 1.0);
}

double perturbed(double x, Rng& rng) {
  const double u = rng.uniform();
  if (u < 0.5) return x + std::pow(2 * u + (1 - 2 * u) * std::pow(1 - x, kIndex + 1), 1 / (kIndex + 1)) - 1;
  return x + 1 - std::pow(2 * (1 - u) + (2 * u - 1) * std::pow(x, kIndex + 1), 1 / (kIndex + 1));
}

}  // namespace

void wake(const Axes& axes, Point& p, Rng& rng) {
  for (std::size_t i = 0; i < p.size(); ++i)
    if (!p.active[i]) p.at[i] = axes.coordinate(i, rng.uniform());
}

Point recombine(const Axes& axes, const Point& a, const Point& b, Rng& rng) {
  Point child = a;
  for (std::size_t i = 0; i < child.size(); ++i) {
    if (!b.active[i]) continue;
    const bool mix = rng.below(2) == 0;
    if (!a.active[i])
      child.at[i] = b.at[i], child.active[i] = 1;
    else if (mix && axes[i].kind == Axis::Kind::categorical)
      child.at[i] = b.at[i];
    else if (mix && std::abs(a.at[i] - b.at[i]) > 1e-14)
      child.at[i] = blend(std::min(a.at[i], b.at[i]), std::max(a.at[i], b.at[i]), rng);
  }
  wake(axes, child, rng);
  return child;
}

double other_category(const Axes& axes, std::size_t axis, double coordinate, Rng& rng) {
  const auto other = static_cast<double>(rng.below(static_cast<std::uint64_t>(axes[axis].levels - 1)));
  return other < coordinate ? other : other + 1;
}

double move_to(const Axes& axes, std::size_t axis, double coordinate, double wanted, Rng& rng) {
  if (axes[axis].kind != Axis::Kind::ordered) return wanted;
  const double there = axes.coordinate(axis, wanted), here = axes.coordinate(axis, coordinate);
  if (there != here) return there;
  const int by = wanted > coordinate || (wanted == coordinate && rng.below(2) == 0) ? 1 : -1;
  const double next = axes.neighbour(axis, here, by);
  return next != here ? next : axes.neighbour(axis, here, -by);
}

void mutate(const Axes& axes, Point& p, double rate, bool at_least_one, Rng& rng) {
  if (p.size() == 0) return;
  const std::size_t forced = at_least_one ? static_cast<std::size_t>(rng.below(p.size())) : p.size();
  for (std::size_t i = 0; i < p.size(); ++i) {
    if (rng.uniform() >= rate && i != forced) continue;
    p.at[i] = axes[i].kind == Axis::Kind::categorical ? other_category(axes, i, p.at[i], rng)
                                                       : move_to(axes, i, p.at[i], perturbed(p.at[i], rng), rng);
  }
}

}  // namespace tune::detail
