// SPDX-License-Identifier: Apache-2.0
#include "schedulers/hyperband.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "support/records.hpp"

namespace hyperband_test {

using namespace tune;
using namespace tune::test;

namespace {

// Brackets of 9 trials from step 1 (3 get to step 3, 1 to step 9), 5 from step 3 and 3 from step 9.
Stage stage(std::int64_t trials = 1000) {
  Spec spec = small_spec();
  spec.stop.trials = trials;
  spec.checkpoint.emplace();
  auto scheduler = std::make_unique<Hyperband>(spec, HyperbandOptions{1, 9, 3});
  return Stage{std::move(spec), std::move(scheduler)};
}

// Starts trials with these losses at `step`, one after the other; what is said to each, and to those that wait.
std::vector<std::string> report_all(Stage& s, std::int64_t step, const std::vector<double>& losses) {
  std::vector<std::string> said;
  for (const double loss : losses) {
    s.report(s.start(), step, loss);
    for (auto words = s.verdict(); !words.empty(); words = s.verdict()) said.push_back(words);
  }
  return said;
}

std::vector<std::string> plans(Stage& s, int count) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) {
    all.push_back(s.plan());
    if (all.back().starts_with("Resume")) s.resume();
  }
  return all;
}

using Said = std::vector<std::string>;

}  // namespace

TEST_CASE("the brackets of hyperband are those of the paper", "[schedulers]") {
  const detail::HyperbandBrackets shapes{{1, 81, 3}};
  CHECK(shapes.steps() == std::vector<std::int64_t>{1, 3, 9, 27, 81});
  std::vector<std::int64_t> sizes, steps;
  for (int b = 0; b < 6; ++b) {
    sizes.push_back(shapes.size(b));
    steps.push_back(shapes.steps()[static_cast<std::size_t>(shapes.lowest_rung(b))]);
  }
  CHECK(sizes == std::vector<std::int64_t>{81, 34, 15, 8, 5, 81});
  CHECK(steps == std::vector<std::int64_t>{1, 3, 9, 27, 81, 1});
  CHECK(shapes.quota(81, 0) == 27);
  CHECK(shapes.quota(34, 2) == 1);
}

TEST_CASE("rungs of hyperband are counted down from the last step", "[schedulers]") {
  CHECK(detail::HyperbandBrackets{{1, 100, 3}}.steps() == std::vector<std::int64_t>{1, 4, 11, 33, 100});
  CHECK(detail::HyperbandBrackets{{5, 100, 3}}.steps() == std::vector<std::int64_t>{11, 33, 100});
  CHECK(detail::HyperbandBrackets{{60, 100, 3}}.steps() == std::vector<std::int64_t>{100});
}

TEST_CASE("hyperband waits at a rung until it is certain who is among the best", "[schedulers]") {
  auto s = stage();
  CHECK(report_all(s, 1, {0.5, 0.4, 0.6}) == Said{"Pause 0", "Pause 1", "Pause 2"});
  CHECK(s.why == "bracket 0, rung 0 at step 1: rank 3 of 3, 6 to come, the best 3 go on");
  CHECK(s.plan() == "Start to 1");
}

TEST_CASE("hyperband stops a trial as soon as it cannot be among the best any more", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6});
  CHECK(report_all(s, 1, {0.7}) == Said{"Stop 3 stopped"});           // The fourth of four.
  CHECK(report_all(s, 1, {0.1}) == Said{"Pause 4", "Stop 2 stopped"});  // It pushes one out that waits.
  CHECK(s.why == "bracket 0, rung 0 at step 1: rank 4 of 5, 4 to come, the best 3 go on");
}

TEST_CASE("hyperband lets the best go on as soon as that is certain", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95});
  CHECK(s.plan() == "Resume 1 to 3");  // Rank 1 with two to come is at worst third.
  CHECK(s.why == "bracket 0, rung 0 at step 1: rank 1 of 7, 2 to come, the best 3 go on");
  s.resume();
  CHECK(s.plan() == "Start to 1");
  CHECK(report_all(s, 1, {0.99}) == Said{"Stop 7 stopped"});
  CHECK(s.plan() == "Resume 0 to 3");
  s.resume();
  CHECK(report_all(s, 1, {0.01}) == Said{"Extend 8 to 3", "Stop 2 stopped"});  // The last one needs no pause.
}

TEST_CASE("slots that a rung does not need begin the next bracket", "[schedulers]") {
  auto s = stage();
  for (int i = 0; i < 9; ++i) {
    CHECK(s.plan() == "Start to 1");
    s.start();
  }
  CHECK(s.plan() == "Start to 3");  // The nine have not reported: bracket 1.
  for (int i = 0; i < 5; ++i) s.start();
  CHECK(s.plan() == "Start to 9");
  for (int i = 0; i < 3; ++i) s.start();
  CHECK(s.plan() == "Start to 1");  // Round again.
  s.report(TrialId{9}, 3, 0.5);
  CHECK(s.verdict() == "Pause 9");
  CHECK(s.rung->bracket == 1);
}

TEST_CASE("hyperband gives a bracket what the paper gives it", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.3, 0.2, 0.1, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4});
  CHECK(plans(s, 4) == Said{"Resume 2 to 3", "Resume 1 to 3", "Resume 0 to 3", "Start to 3"});
  s.report(TrialId{2}, 3, 0.3);
  CHECK(s.verdict() == "Pause 2");
  s.report(TrialId{1}, 3, 0.2);
  CHECK(s.verdict() == "Pause 1");
  CHECK(s.verdict() == "Stop 2 stopped");
  s.report(TrialId{0}, 3, 0.4);
  CHECK(s.verdict() == "Stop 0 stopped");
  CHECK(s.plan() == "Resume 1 to 9");
  s.resume();
  s.report(TrialId{1}, 9, 0.1);
  CHECK(s.verdict() == "Stop 1 complete");
  CHECK(std::isnan(s.rung->cut));
}

TEST_CASE("trials that fail leave their place at the rung empty", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6});
  for (int i = 0; i < 6; ++i) s.exit(s.start(), Cause::exit);
  CHECK(plans(s, 4) == Said{"Resume 1 to 3", "Resume 0 to 3", "Resume 2 to 3", "Start to 3"});
  s.exit(TrialId{0}, Cause::exit);  // On its way to the next rung.
  s.report(TrialId{1}, 3, 0.5);
  CHECK(s.verdict() == "Pause 1");
  s.report(TrialId{2}, 3, 0.6);
  CHECK(s.verdict() == "Stop 2 stopped");
  CHECK(s.plan() == "Resume 1 to 9");
}

TEST_CASE("a trial that ends before its rung keeps nobody waiting", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99});
  const auto last = s.start();
  s.exit(last, Cause::done);  // Never reported.
  CHECK(plans(s, 4) == Said{"Resume 1 to 3", "Resume 0 to 3", "Resume 2 to 3", "Start to 3"});
  s.exit(TrialId{0}, Cause::done);
  s.exit(TrialId{1}, Cause::done);
  s.report(TrialId{2}, 3, 0.5);
  CHECK(s.verdict() == "Extend 2 to 9");
}

TEST_CASE("a trial that a person cancels keeps nobody waiting", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99});
  s.decide(Stop{s.start(), 1, TrialState::cancelled, {}});
  s.exit(TrialId{8}, Cause::cancelled);
  s.decide(Stop{TrialId{1}, 1, TrialState::cancelled, {}});  // The best of those that wait.
  CHECK(plans(s, 3) == Said{"Resume 0 to 3", "Resume 2 to 3", "Start to 3"});
}

TEST_CASE("a trial that a person paused on its way is not waited for", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99});
  const auto last = s.start();
  s.decide(Pause{last, 1, {}});
  s.exit(last, Cause::paused);
  CHECK(plans(s, 4) == Said{"Resume 1 to 3", "Resume 0 to 3", "Resume 2 to 3", "Start to 3"});
}

TEST_CASE("a bracket that the budget cuts short is as large as it has become", "[schedulers]") {
  auto s = stage(6);
  CHECK(report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9}) ==
        Said{"Pause 0", "Pause 1", "Pause 2", "Stop 3 stopped", "Stop 4 stopped", "Stop 5 stopped", "Stop 2 stopped"});
  CHECK(s.why == "bracket 0, rung 0 at step 1: rank 3 of 6, the best 2 go on");
  CHECK(plans(s, 3) == Said{"Resume 1 to 3", "Resume 0 to 3", "Start to 1"});
}

TEST_CASE("hyperband ranks what is not finite last and the older of two equals first", "[schedulers]") {
  auto s = stage();
  report_all(s, 1, {std::nan(""), 0.5, 0.5, 0.5, 0.5});
  CHECK(report_all(s, 1, {0.6, 0.6, 0.6, 0.6}) == Said{"Stop 5 stopped", "Stop 6 stopped", "Stop 7 stopped", "Stop 8 stopped"});
  CHECK(plans(s, 4) == Said{"Resume 1 to 3", "Resume 2 to 3", "Resume 3 to 3", "Start to 3"});
}

TEST_CASE("a failed trial that a person retries is judged by the rung that it missed", "[schedulers]") {
  auto s = stage();
  const auto failed = s.start();
  s.exit(failed, Cause::exit);
  report_all(s, 1, {0.5, 0.4, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99});
  plans(s, 3);
  s.decide(Retry{failed, 1, {}, {}, {}});
  s.launch(failed, 1, {});
  s.report(failed, 1, 0.1);
  CHECK(s.verdict() == "Extend 0 to 3");
}

}  // namespace hyperband_test
