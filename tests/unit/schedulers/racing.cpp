// SPDX-License-Identifier: Apache-2.0
#include "schedulers/racing.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "schedulers/signed_rank.hpp"
#include "support/records.hpp"
#include "tuner/rng.hpp"

namespace racing_test {

using namespace tune;
using namespace tune::test;
using detail::signed_rank_p;

namespace {

Stage stage(RacingOptions options = {}) {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  return Stage{std::move(spec), std::make_unique<Racing>(options)};
}

void run(Stage& s, TrialId t, const std::vector<double>& losses) {
  for (std::size_t i = 0; i < losses.size(); ++i) s.report(t, static_cast<std::int64_t>(i) + 1, losses[i]);
}

}  // namespace

TEST_CASE("the signed-rank test counts all choices of signs", "[schedulers]") {
  CHECK(signed_rank_p({1, 2, 3, 4, 5}) == 1.0 / 32);
  CHECK(signed_rank_p({-1, 2, 3, 4, 5}) == 2.0 / 32);
  CHECK(signed_rank_p({1, -2, 3, 4, 5}) == 3.0 / 32);
  CHECK(signed_rank_p({-1, -2, 3, 4, 5}) == 5.0 / 32);  // Rank sums up to 3: {}, {1}, {2}, {3}, {1, 2}.
  CHECK(signed_rank_p({-5, -4, -3, -2, -1}) == 1);
  CHECK(signed_rank_p({}) == 1);
}

TEST_CASE("the signed-rank test ranks zeros, drops them and shares tied ranks", "[schedulers]") {
  CHECK(signed_rank_p({0, 0, 0}) == 1);
  // Ranks 3, 4, 5 are left; a negative side of at most 3: {} and {3}.
  CHECK(signed_rank_p({0, 0, -1, 2, 3}) == 2.0 / 8);
  // Ranks 1.5, 1.5, 3, 4; at most 1.5: {} and either of the two.
  CHECK(signed_rank_p({1, -1, 2, 3}) == 3.0 / 16);
  CHECK(signed_rank_p({INFINITY, 1, 2}) == 1.0 / 8);
}

TEST_CASE("the signed-rank test beyond 25 differences agrees with signs that are drawn", "[schedulers]") {
  std::vector<double> seen;  // Zeros and ties among them.
  for (int i = 0; i < 40; ++i) seen.push_back((i / 2) * (i % 3 == 0 ? -1 : 1));
  const auto negative = [](const std::vector<double>& d) {
    double sum = 0;  // Sizes come in pairs: their common rank grows with them.
    for (const double x : d)
      if (x < 0) sum += 2 * -x + 1.5;
    return sum;
  };
  constexpr int kDraws = 20'000;
  int fewer = 0;
  Rng rng{1, 2};
  for (int k = 0; k < kDraws; ++k) {
    auto drawn = seen;
    for (double& x : drawn) x = rng.below(2) ? x : -x;
    fewer += negative(drawn) <= negative(seen);
  }
  CHECK(signed_rank_p(seen) == Approx(static_cast<double>(fewer) / kDraws).margin(0.01));
}

TEST_CASE("racing stops a trial that is clearly worse on the instances that both have done", "[schedulers]") {
  auto s = stage();
  const auto best = s.start();
  run(s, best, {10, 20, 30, 40, 50, 60});
  s.exit(best, Cause::done);
  const auto worse = s.start();
  run(s, worse, {11, 22, 33, 44});
  CHECK(s.verdict() == "");
  s.report(worse, 5, 55);
  CHECK(s.verdict() == "Stop 1 stopped");
  CHECK(s.why == "on 5 instances its mean is 33, that of trial 0 30: p 0.03125 < 0.06079 at look 1");
}

TEST_CASE("racing compares pairs, so that hard instances are held against nobody", "[schedulers]") {
  auto s = stage();
  const auto first = s.start(), second = s.start();
  run(s, first, {1, 100, 3, 1000, 5, 1, 1, 1, 1, 1});
  run(s, second, {0.9, 99, 2, 999, 4});
  CHECK(s.verdict() == "");
}

TEST_CASE("racing spends its error over the looks", "[schedulers]") {
  // Worse on all but one of five instances: p = 2/32 at the first look is too much; at the second, of ten, 1/1024 and a few.
  auto s = stage();
  const auto best = s.start(), other = s.start();
  run(s, best, std::vector<double>(11, 10.0));
  run(s, other, {9.9, 12, 13, 14, 15});
  CHECK(s.verdict() == "");
  for (int k = 6; k <= 9; ++k) s.report(other, k, 10.0 + k);
  CHECK(s.verdict() == "");
  s.report(other, 10, 20);
  CHECK(s.verdict() == "Stop 1 stopped");
}

TEST_CASE("racing compares with the best of those that have done the most", "[schedulers]") {
  auto s = stage();
  const auto far = s.start(), near = s.start(), last = s.start();
  run(s, far, {5, 5, 5, 5, 5, 5, 5});
  run(s, near, {1, 1, 1, 1, 1});
  run(s, last, {4, 4, 4, 4, 4});  // Worse than `near`, which has done fewer than `far`.
  CHECK(s.verdict() == "");
  s.report(near, 6, 1);
  s.report(near, 7, 1);
  run(s, s.start(), {4, 4, 4, 4, 4});
  CHECK(s.verdict() == "Stop 3 stopped");
}

TEST_CASE("racing never holds a stopped or failed trial up as the best", "[schedulers]") {
  auto s = stage();
  const auto stopped = s.start(), failed = s.start();
  run(s, stopped, {1, 1, 1, 1, 1, 1});
  run(s, failed, {1, 1, 1, 1, 1, 1});
  s.decide(Stop{stopped, 1, TrialState::stopped, {}});
  s.exit(failed, Cause::exit);
  run(s, s.start(), {2, 2, 2, 2, 2});
  CHECK(s.verdict() == "");
}

TEST_CASE("racing has nothing to save after the last instance", "[schedulers]") {
  for (const std::int64_t instances : {5, 6}) {
    auto s = stage({0.1, 5, 5, instances});
    run(s, s.start(), {1, 1, 1, 1, 1});
    run(s, s.start(), {2, 2, 2, 2, 2});
    CHECK(s.verdict() == (instances == 5 ? "" : "Stop 1 stopped"));
  }
}

TEST_CASE("racing takes NaN for the worst and a trial outside its constraints for worthless", "[schedulers]") {
  auto s = stage();
  run(s, s.start(), {1, 1, 1, 1, 1});
  run(s, s.start(), {2, 2, 2, std::nan(""), 2});
  CHECK(s.verdict() == "Stop 1 stopped");
}

namespace {

/// A race in rounds: trials whose true means are drawn with `spread`, on instances whose hardness is common to all, each
/// measured with noise 1. `workers` run abreast, as many as there is room for.
struct Race {
  std::int64_t evaluations = 0;
  bool lost_the_best = false;
};
Race race(std::uint64_t seed, const RacingOptions& options, int trials, int instances, double spread, std::size_t workers) {
  Spec spec = small_spec();
  spec.stop.trials = trials;
  Stage s{std::move(spec), std::make_unique<Racing>(options)};
  std::vector<double> means, hardness;
  for (int t = 0; t < trials; ++t) means.push_back(spread * Rng{seed, Purpose::simulate, t, -1}.normal());
  for (int i = 1; i <= instances; ++i) hardness.push_back(20 * Rng{seed, Purpose::simulate, -1, i}.uniform());
  const auto best = std::min_element(means.begin(), means.end()) - means.begin();
  Race out;
  std::vector<std::pair<TrialId, std::int64_t>> running;
  for (int begun = 0; begun < trials || !running.empty();) {
    while (running.size() < workers && begun < trials) running.emplace_back(s.start(), 0), ++begun;
    for (auto& [t, done] : running) {
      ++out.evaluations;
      ++done;
      const double noise = Rng{seed, Purpose::simulate, t.value, done}.normal();
      s.report(t, done, means[static_cast<std::size_t>(t.value)] + hardness[static_cast<std::size_t>(done - 1)] + noise);
      if (!s.verdict().empty()) {
        out.lost_the_best = out.lost_the_best || t.value == best;
        done = instances + 1;
      } else if (done == instances) {
        s.exit(t, Cause::done);
      }
    }
    std::erase_if(running, [&](const auto& r) { return r.second >= instances; });
  }
  return out;
}

struct Share {
  double evaluated = 0, lost = 0;
};
Share races(int count, const RacingOptions& options, int trials, int instances, double spread, std::size_t workers) {
  Share out;
  for (int seed = 0; seed < count; ++seed) {
    const Race r = race(static_cast<std::uint64_t>(seed), options, trials, instances, spread, workers);
    out.evaluated += static_cast<double>(r.evaluations) / (trials * instances) / count;
    out.lost += r.lost_the_best / static_cast<double>(count);
  }
  return out;
}

}  // namespace

TEST_CASE("racing saves evaluations and seldom stops the best, which a test repeated without correction does", "[schedulers]") {
  // Differences of half the noise, 50 instances: a third of the work is saved or more, and the error held.
  for (const std::size_t workers : {1, 8, 20}) {
    INFO(workers << " workers");
    const Share ours = races(100, {0.1, 5, 5, 50}, 20, 50, 0.5, workers);
    CHECK(ours.evaluated < 0.67);
    CHECK(ours.lost <= 0.1);
  }
  // Harder: a fifth of the noise. The control looks as often as it likes at the whole alpha.
  const Share held = races(100, {0.1, 5, 1, 50}, 30, 50, 0.2, 8), control = races(100, {0.1, 5, 1, 50, false}, 30, 50, 0.2, 8);
  CHECK(held.lost <= 0.1);
  CHECK(control.lost > 0.2);
}

}  // namespace racing_test
