// SPDX-License-Identifier: Apache-2.0
// What halving is for, on a bandit whose answer is known: arms whose losses converge to a limit that is uniform in [0, 1],
// within an envelope of 1 / step from either side. A good arm has a limit of at most 0.02; to be sure of one takes all 81
// steps. Giving every arm all of them takes about 50 arms.
#include <catch2/catch.hpp>

#include "schedulers/asha.hpp"
#include "schedulers/hyperband.hpp"
#include "support/records.hpp"

namespace bandit_test {

using namespace tune;
using namespace tune::test;

namespace {

constexpr std::int64_t kSteps = 81;
constexpr double kGood = 0.02;
constexpr std::uint64_t kSeeds = 40;

struct Arm {
  double limit, deviation;
  Arm(std::uint64_t seed, TrialId id) {
    Rng rng{seed, Purpose::simulate, id.value};
    limit = rng.uniform();
    deviation = 2 * rng.uniform() - 1;
  }
  double loss(std::int64_t step) const { return limit + deviation / static_cast<double>(step); }
  bool good() const { return limit <= kGood; }
};

double steps_of_uniform_allocation(std::uint64_t seed) {
  std::int64_t arms = 1;
  while (!Arm(seed, TrialId{arms - 1}).good()) ++arms;
  return static_cast<double>(arms * kSteps);
}

// One worker, until a good arm has done all its steps.
double steps_of(std::uint64_t seed, std::unique_ptr<Scheduler> (*make)(const Spec&)) {
  Spec spec = small_spec();
  spec.seed = seed;
  spec.stop.trials = 1'000'000;
  spec.checkpoint.emplace();
  auto scheduler = make(spec);
  Stage s{std::move(spec), std::move(scheduler)};
  std::int64_t spent = 0;
  for (;;) {
    const bool resumes = s.plan().starts_with("Resume");
    const TrialId id = resumes ? s.resume() : s.start();
    const Arm arm{seed, id};
    while (s.history().trial(id).live()) {
      const Trial& t = s.history().trial(id);
      const auto until = t.until_step;
      spent += until - t.last_step;
      s.report(id, until, arm.loss(until));
      while (!s.verdict().empty()) {
      }
      if (until == kSteps && arm.good()) return static_cast<double>(spent);
    }
  }
}

double share_of_uniform(std::unique_ptr<Scheduler> (*make)(const Spec&)) {
  double sum = 0, uniform = 0;
  for (std::uint64_t seed = 1; seed <= kSeeds; ++seed) {
    sum += steps_of(seed, make);
    uniform += steps_of_uniform_allocation(seed);
  }
  return sum / uniform;
}

}  // namespace

TEST_CASE("hyperband finds a good arm in a quarter of the steps of uniform allocation", "[schedulers][paper]") {
  const double share = share_of_uniform([](const Spec& spec) -> std::unique_ptr<Scheduler> {
    return std::make_unique<Hyperband>(spec, HyperbandOptions{1, kSteps, 3});
  });
  INFO("share of the steps: " << share);
  CHECK(share < 0.25);
  CHECK(share > 0.02);  // Something was measured.
}

TEST_CASE("asha finds a good arm in a quarter of the steps of uniform allocation", "[schedulers][paper]") {
  const double share = share_of_uniform([](const Spec& spec) -> std::unique_ptr<Scheduler> {
    return std::make_unique<Asha>(spec, AshaOptions{true, 1, kSteps, 3, 1});
  });
  INFO("share of the steps: " << share);
  CHECK(share < 0.25);
  CHECK(share > 0.02);
}

}  // namespace bandit_test
