// SPDX-License-Identifier: Apache-2.0
// What `tune importance` computes, on 10,000 trials of 20 parameters: CPU milliseconds, the least of 5.
#include <cmath>

#include "ui/analysis/importance.hpp"

#include "bench/support.hpp"

using namespace tune;

namespace {

Evidence made_up(std::size_t trials, std::size_t factors) {
  Evidence out;
  Rng rng(1, 1);
  for (std::size_t f = 0; f < factors; ++f) {
    const bool choice = f % 4 == 3;
    out.factors.push_back({"x" + std::to_string(f), choice, choice ? 5 : 0, false, {}});
  }
  for (std::size_t t = 0; t < trials; ++t) {
    double y = 0.1 * rng.normal();
    for (std::size_t f = 0; f < factors; ++f) {
      auto& factor = out.factors[f];
      const double u = rng.uniform();
      factor.at.push_back(factor.categorical ? std::floor(u * 5) : u);
      y += std::sin(3 * u + static_cast<double>(f)) / static_cast<double>(f + 1);
    }
    out.outcomes.push_back(y);
  }
  return out;
}

template <class F>
void measure(const char* what, F&& f) {
  double least = 1e9;
  for (int i = 0; i < 5; ++i) {
    const double before = bench::cpu_seconds();
    f();
    least = std::min(least, bench::cpu_seconds() - before);
  }
  std::printf("%-40s %9.2f ms\n", what, least * 1e3);
}

}  // namespace

int main() {
  const auto evidence = made_up(10'000, 20);
  measure("PED-ANOVA", [&] { ped_anova(evidence); });
  measure("PED-ANOVA with 100 bootstrap samples", [&] { ped_anova(evidence, {.resamples = 100}, Rng(1, 2)); });
  measure("fANOVA, 64 trees", [&] { fanova(evidence, {}, Rng(1, 2)); });
}
