// SPDX-License-Identifier: Apache-2.0
// What fronts of several objectives cost: 1,000 points on a quarter, an eighth … of the unit sphere, all non-dominated.
// CPU milliseconds, the least of 3.
#include "search/hypervolume.hpp"

#include <cmath>

#include "bench/support.hpp"
#include "tuner/rng.hpp"

using namespace tune;

namespace {

Outcomes sphere(std::size_t points, std::size_t objectives) {
  Rng rng(1, 1);
  Outcomes all(objectives);
  for (std::size_t i = 0; i < points; ++i) {
    std::vector<double> row;
    double square = 0;
    for (std::size_t k = 0; k < objectives; ++k) {
      row.push_back(std::fabs(rng.normal()));
      square += row.back() * row.back();
    }
    for (double& v : row) v /= std::sqrt(square);
    all.add(row);
  }
  return all;
}

template <class F>
double least_milliseconds(F&& f) {
  double least = 1e9;
  for (int i = 0; i < 3; ++i) {
    const double before = bench::cpu_seconds();
    f();
    least = std::min(least, bench::cpu_seconds() - before);
  }
  return 1e3 * least;
}

}  // namespace

int main() {
  std::puts("objectives  ranks  hypervolume  contributions  subset of 100  boxes");
  for (std::size_t m = 2; m <= 4; ++m) {
    const Outcomes all = sphere(1'000, m);
    const std::vector<double> reference(m, 1.1);
    const double ranking = least_milliseconds([&] { ranks(all); });
    const double volume = least_milliseconds([&] { hypervolume(all, reference); });
    const double each = least_milliseconds([&] { hypervolume_contributions(all, reference); });
    const double subset = least_milliseconds([&] { greedy_hypervolume_subset(all, 100, reference); });
    std::printf("%10zu %6.2f %12.2f %14.1f %14.2f", m, ranking, volume, each, subset);
    if (m <= 3) std::printf(" %6.2f", least_milliseconds([&] { non_dominated_boxes(all, reference); }));
    std::puts("");
  }
}
