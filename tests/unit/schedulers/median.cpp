// SPDX-License-Identifier: Apache-2.0
#include "schedulers/median.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/records.hpp"

namespace median_test {

using namespace tune;
using namespace tune::test;

namespace {

std::unique_ptr<Percentile> median_of(std::int64_t min_step, std::int64_t min_trials) {
  return std::make_unique<Percentile>(PercentileOptions{50, PercentileOptions::Others::averages, min_step, min_trials, 1});
}

Stage stage(std::int64_t min_step, std::int64_t min_trials, bool maximize = false) {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.objectives.front().maximize = maximize;
  return Stage{std::move(spec), median_of(min_step, min_trials)};
}

}  // namespace

TEST_CASE("the median rule stops a trial whose best is worse than the median of the others", "[schedulers]") {
  auto s = stage(1, 3);
  for (const double loss : {0.1, 0.2, 0.3}) s.report(s.start(), 1, loss);
  CHECK(s.verdict() == "");
  s.report(s.start(), 1, 0.2);
  CHECK(s.verdict() == "");
  s.report(s.start(), 1, 0.21);
  CHECK(s.verdict() == "Stop 4 stopped");
  CHECK(s.why == "at step 1 its best is 0.21, worse than the median 0.2 of 4 other trials");
}

TEST_CASE("the median rule compares with running averages and not with last values", "[schedulers]") {
  auto s = stage(2, 1);
  const auto a = s.start(), b = s.start();
  s.report(a, 1, 1.0);
  s.report(a, 2, 0.0);  // Average 0.5.
  s.report(b, 1, 0.9);
  s.report(b, 2, 0.4);
  CHECK(s.verdict() == "");
}

TEST_CASE("the median rule spares trials before min_step and while few others are there", "[schedulers]") {
  auto s = stage(5, 2);
  const auto a = s.start(), b = s.start(), c = s.start();
  for (const auto& [t, loss] : {std::pair{a, 0.1}, {b, 0.1}, {c, 9.0}}) s.report(t, 1, loss);
  CHECK(s.verdict() == "");
  s.report(a, 5, 0.1);
  s.report(c, 5, 9.0);
  CHECK(s.verdict() == "");
  s.report(b, 5, 10.0);
  CHECK(s.verdict() == "");
}

TEST_CASE("the median rule stops a trial that reports NaN", "[schedulers]") {
  auto s = stage(1, 2);
  s.report(s.start(), 1, 5);
  s.report(s.start(), 1, 6);
  s.report(s.start(), 1, std::nan(""));
  CHECK(s.verdict() == "Stop 2 stopped");
}

TEST_CASE("the median rule maximises when it is asked to", "[schedulers]") {
  auto s = stage(1, 1, true);
  s.report(s.start(), 1, 0.9);
  s.report(s.start(), 1, 0.8);
  CHECK(s.verdict() == "Stop 1 stopped");
}

TEST_CASE("the median rule speaks once, whatever the trial still reports", "[schedulers]") {
  auto s = stage(1, 1);
  s.report(s.start(), 1, 0.1);
  const auto late = s.start();
  s.report(late, 1, 5);
  s.report(late, 2, 6);
  CHECK(s.verdict() == "Stop 1 stopped");
  CHECK(s.verdict() == "");
}

TEST_CASE("the median rule forgets a verdict about a trial that ended by itself", "[schedulers]") {
  auto s = stage(1, 1);
  s.report(s.start(), 1, 0.1);
  const auto late = s.start();
  s.report(late, 1, 5);
  s.exit(late, Cause::done);
  CHECK(s.verdict() == "");
}

TEST_CASE("the median rule counts a trial outside its outcome constraints as worst", "[schedulers]") {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.outcome_constraints = {{"loss", 0.15, {}}};
  Stage s{std::move(spec), median_of(1, 3)};
  for (const double loss : {0.2, 0.3, 0.4}) s.report(s.start(), 1, loss);
  s.report(s.start(), 1, 0.1);
  CHECK(s.verdict() == "Stop 3 stopped");
}

}  // namespace median_test
