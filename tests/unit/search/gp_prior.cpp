// SPDX-License-Identifier: Apache-2.0
// gp and what a person believes.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "search/gp/arm.hpp"
#include "unit/search/sampler_rig.hpp"

namespace gp_prior_test {

using namespace tune;
using namespace tune::test;

namespace {

constexpr double kBottom[] = {0.8, 0.7, 0.15, 0.2, 0.9};

/// Five parameters, with a prior of width 0.1 at a distance `off` from the best place, towards the middle; none if NaN.
Space believed(double off) {
  std::vector<Dimension> all;
  for (int j = 0; j < 5; ++j) {
    Dimension d = real("x" + std::to_string(j));
    if (!std::isnan(off)) d.prior = Dimension::Prior{kBottom[j] + (kBottom[j] > 0.5 ? -off : off), 0.1, {}};
    all.push_back(d);
  }
  return Space::make(std::move(all)).value();
}

double rippled(const Params& p) {
  double sum = 0;
  for (int j = 0; j < 5; ++j) {
    const double z = number(p, "x" + std::to_string(j)) - kBottom[j];
    sum += z * z + 0.02 * (1 - std::cos(20 * z));
  }
  return sum;
}

/// The best value after so many trials, in the mean of the logarithms of eight experiments.
double reached(const Space& space, int trials, std::int64_t budget) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SamplerContext context{space, {Objective{"loss", false, {}, 1}}, seed, {}};
    context.trials = budget;
    const auto sampler = gp_sampler().make(context).value();
    Seq seq = 0;
    double best = HUGE_VAL;
    for (std::int64_t t = 0; t < trials; ++t) {
      const auto p = sampler->propose({t}, Rng{seed, Purpose::propose, t}).value();
      Propose what;
      what.trial = {t}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
      sampler->learn({++seq, {}, 1, Decided{what, {0, "gp", p.why, p.note}}});
      Settle s;
      s.trial = {t}, s.state = TrialState::complete, s.values = {rippled(p.params)};
      sampler->learn({++seq, {}, 1, Decided{s, {}}});
      best = std::min(best, s.values.front());
    }
    sum += std::log10(best) / 8;
  }
  return sum;
}

}  // namespace

TEST_CASE("gp is faster with a good prior, and overrules a bad one") {
  const Space none = believed(std::nan("")), good = believed(0.05), bad = believed(0.35);
  const double without = reached(none, 30, 50);
  INFO(without);
  CHECK(reached(good, 30, 50) < without - 0.5);
  CHECK(reached(bad, 50, 50) < without);
}

}  // namespace gp_prior_test
