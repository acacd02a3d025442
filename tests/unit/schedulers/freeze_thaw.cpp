// SPDX-License-Identifier: Apache-2.0
#include "schedulers/freeze_thaw.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/records.hpp"

namespace freeze_thaw_test {

using namespace tune;
using namespace tune::test;

namespace {

Stage stage(std::int64_t trials = 1000) {
  Spec spec = small_spec();
  spec.stop.trials = trials;
  spec.checkpoint.emplace();
  spec.scheduler.type = "test";  // By which the stage decides.
  return Stage{spec, std::make_unique<FreezeThaw>(spec, FreezeThawOptions{20, 5, 0.01, 2})};
}

// Reports end + 1 / step up to the step, where it is told to go on or not.
std::string train(Stage& s, TrialId t, int from, int to, double end) {
  for (int step = from; step <= to; ++step) s.report(t, step, end + 1.0 / step);
  return s.verdict();
}

// Two trials that went to their end, at 0.2 and 0.3.
Stage experienced(std::int64_t trials = 1000) {
  auto s = stage(trials);
  for (const double end : {0.15, 0.25}) {
    const auto t = s.start();
    for (int step = 5; step < 20; step += 5)
      REQUIRE(train(s, t, step - 4, step, end) == "Extend " + std::to_string(t.value) + " to " + std::to_string(step + 5));
    REQUIRE(train(s, t, 16, 20, end) == "Stop " + std::to_string(t.value) + " complete");
  }
  return s;
}

}  // namespace

TEST_CASE("freeze-thaw pauses nobody before some trials have gone to their end", "[schedulers]") {
  auto s = stage();
  CHECK(s.plan() == "Start to 5");
  const auto good = s.start(), bad = s.start();
  CHECK(train(s, good, 1, 5, 0) == "Extend 0 to 10");
  CHECK(train(s, bad, 1, 5, 100) == "Extend 1 to 10");
}

TEST_CASE("freeze-thaw pauses a trial without prospects, and says what stood against it", "[schedulers]") {
  auto s = experienced();
  const auto bad = s.start();
  CHECK(train(s, bad, 1, 5, 9) == "Pause 2");
  CHECK(s.why.starts_with("a chance of "));
  CHECK(s.why.find(" steps, and a new one has 0.") != std::string::npos);
  CHECK(s.plan() == "Start to 5");
}

TEST_CASE("freeze-thaw lets a trial go on that is about to become the best", "[schedulers]") {
  auto s = experienced();
  const auto good = s.start();
  CHECK(train(s, good, 1, 5, -2) == "Extend 2 to 10");
}

TEST_CASE("freeze-thaw resumes the paused trial with the best prospects", "[schedulers]") {
  auto s = experienced(4);
  const auto bad = s.start(), good = s.start();
  s.decide(Pause{bad, 1, {}});  // By somebody else.
  s.exit(bad, Cause::paused);
  train(s, good, 1, 4, -2);
  s.report(good, 5, -1.8);
  s.exit(good, Cause::done);  // It honours the bound: that is a pause.
  CHECK(s.plan() == "Resume 3 to 10");
}

TEST_CASE("once nothing new may begin, freeze-thaw stops whoever cannot become the best", "[schedulers]") {
  auto s = experienced(3);
  const auto bad = s.start();
  CHECK(train(s, bad, 1, 5, 9) == "Stop 2 stopped");
}

TEST_CASE("freeze-thaw does not resume what a person has paused", "[schedulers]") {
  auto s = experienced();
  const auto good = s.start();
  for (int step = 1; step < 5; ++step) s.report(good, step, -2 + 1.0 / step);
  s.decide(Pause{good, 1, {}});
  s.exit(good, Cause::paused);
  CHECK(s.plan() == "Start to 5");
}

TEST_CASE("a trial that reports nothing finite has no claim", "[schedulers]") {
  auto s = experienced();
  const auto odd = s.start();
  for (int step = 1; step < 5; ++step) s.report(odd, step, std::nan(""));
  s.report(odd, 5, std::nan(""));
  CHECK(s.verdict() == "Pause 2");
}

}  // namespace freeze_thaw_test
