// SPDX-License-Identifier: Apache-2.0
#include "schedulers/asha.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "schedulers/hyperband.hpp"
#include "support/records.hpp"

namespace asha_test {

using namespace tune;
using namespace tune::test;

namespace {

Stage stage(AshaOptions options, bool maximize = false) {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.checkpoint.emplace();
  spec.objectives.front().maximize = maximize;
  auto scheduler = std::make_unique<Asha>(spec, options);
  return Stage{std::move(spec), std::move(scheduler)};
}

AshaOptions promoting(std::int64_t max_step = 27) { return {true, 1, max_step, 3, 1}; }
AshaOptions stopping(std::int64_t max_step = 27) { return {false, 1, max_step, 3, 1}; }

// `losses` in order of arrival at rung 0; each is given its verdict.
void settle_first_rung(Stage& s, const std::vector<double>& losses) {
  for (const double loss : losses) {
    const TrialId id = s.start();
    s.report(id, 1, loss);
    s.verdict();
  }
}

}  // namespace

TEST_CASE("rungs stand a factor of eta apart, and the last at the last step", "[schedulers]") {
  CHECK(detail::rung_steps(1, 3, 27) == std::vector<std::int64_t>{1, 3, 9, 27});
  CHECK(detail::rung_steps(1, 3, 30) == std::vector<std::int64_t>{1, 3, 9, 27, 30});
  CHECK(detail::rung_steps(2, 1.5, 8) == std::vector<std::int64_t>{2, 3, 5, 7, 8});
  CHECK(detail::rung_steps(1, 10, {}).size() == 15);
}

TEST_CASE("asha grants the first rung to a new trial", "[schedulers]") {
  auto s = stage(promoting());
  CHECK(s.plan() == "Start to 1");
}

TEST_CASE("asha says nothing before a rung is reached", "[schedulers]") {
  auto s = stage({true, 4, 64, 4, 1});
  const auto t = s.start();
  s.report(t, 3, 0.5);
  CHECK(s.verdict() == "");
  s.report(t, 4, 0.5);
  CHECK(s.verdict() == "Pause 0");
  CHECK(s.verdict() == "");
}

TEST_CASE("asha pauses at a rung until one in eta may go on, and then promotes the best", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.3});
  CHECK(s.plan() == "Start to 1");
  const auto third = s.start();
  s.report(third, 1, 0.4);
  CHECK(s.verdict() == "Pause 2");
  CHECK(s.plan() == "Resume 1 to 3");
  CHECK(s.why == "rung 0 at step 1: rank 1 of 3, the best one goes on");
  CHECK(*s.rung == Rung{0, 0, 1, 0.3, 1, 3, 0.3});
}

TEST_CASE("asha lets a running trial go on at once if it is among the best already", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.3});
  const auto third = s.start();
  s.report(third, 1, 0.1);
  CHECK(s.verdict() == "Extend 2 to 3");
  CHECK(s.plan() == "Start to 1");
}

TEST_CASE("asha promotes a trial once", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.3, 0.4});
  s.resume();
  CHECK(s.plan() == "Start to 1");
}

TEST_CASE("asha resumes near the top before it resumes at the bottom", "[schedulers]") {
  auto s = stage({true, 1, {}, 2, 1});
  settle_first_rung(s, {0.1, 0.2, 0.3, 0.4});  // Trial 0 waits until 1 arrives, 1 until 3 does.
  s.resume();
  s.report(TrialId{0}, 2, 0.2);
  CHECK(s.verdict() == "Pause 0");
  s.resume();
  settle_first_rung(s, {0.15, 0.05, 0.04, 0.9});
  CHECK(s.plan() == "Resume 6 to 2");
  s.report(TrialId{1}, 2, 0.3);
  CHECK(s.verdict() == "Pause 1");
  CHECK(s.plan() == "Resume 0 to 4");
}

TEST_CASE("asha maximises when it is asked to, and says values as they were reported", "[schedulers]") {
  auto s = stage(promoting(), true);
  settle_first_rung(s, {0.5, 0.3, 0.4});
  CHECK(s.plan() == "Resume 0 to 3");
  CHECK(s.rung->value == 0.5);
}

TEST_CASE("asha counts what is not finite as worst", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.7, std::nan(""), -std::numeric_limits<double>::infinity()});
  CHECK(s.plan() == "Resume 0 to 3");
}

TEST_CASE("asha prefers the older of two equal trials", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.5, 0.5});
  CHECK(s.plan() == "Resume 0 to 3");
}

TEST_CASE("asha completes a trial at the last step", "[schedulers]") {
  auto s = stage(promoting(3));
  settle_first_rung(s, {0.5, 0.3, 0.4});
  s.resume();
  s.report(TrialId{1}, 3, 0.2);
  CHECK(s.verdict() == "Stop 1 complete");
  CHECK(s.rung->rung == 1);
  CHECK(std::isnan(s.rung->cut));
}

TEST_CASE("asha does not promote a paused trial that was cancelled", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.3, 0.4});
  s.decide(Stop{TrialId{1}, 1, TrialState::cancelled, {}});
  CHECK(s.plan() == "Start to 1");
}

TEST_CASE("asha keeps the place of a trial that failed after its rung", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5, 0.3, 0.4});
  s.resume();
  s.exit(TrialId{1}, Cause::exit);
  settle_first_rung(s, {0.6, 0.7});
  CHECK(s.plan() == "Start to 1");  // The failed one is still among the best of five.
  settle_first_rung(s, {0.8});
  CHECK(s.plan() == "Resume 2 to 3");
}

TEST_CASE("what a trial reports after the verdict changes nothing until it may go there", "[schedulers]") {
  auto s = stage(promoting());
  const auto t = s.start();
  s.report(t, 1, 0.5);
  s.report(t, 2, 0.1);
  s.report(t, 3, 0.1);
  CHECK(s.verdict() == "Pause 0");
  CHECK(s.rung->value == 0.5);
  CHECK(s.rung->of == 1);
  CHECK(s.verdict() == "");
}

TEST_CASE("a sparse report settles every rung that it passes, one verdict each", "[schedulers]") {
  auto s = stage(stopping());
  const auto t = s.start();
  s.report(t, 10, 0.5);
  CHECK(s.verdict() == "Extend 0 to 3");
  CHECK(s.verdict() == "Extend 0 to 9");
  CHECK(s.verdict() == "Extend 0 to 27");
  CHECK(s.verdict() == "");
}

TEST_CASE("asha in stop mode lets the first go on and stops those behind", "[schedulers]") {
  auto s = stage(stopping());
  const auto a = s.start(), b = s.start(), c = s.start();
  s.report(a, 1, 0.5);
  CHECK(s.verdict() == "Extend 0 to 3");
  s.report(b, 1, 0.6);
  CHECK(s.verdict() == "Stop 1 stopped");
  CHECK(s.why == "rung 0 at step 1: rank 2 of 2, the best one goes on");
  s.report(c, 1, 0.4);
  CHECK(s.verdict() == "Extend 2 to 3");
}

TEST_CASE("a promotion waits while too many were sent on, unless nothing new can start", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.7, 0.9, 0.8});
  s.resume();                   // 0 was the best of three.
  settle_first_rung(s, {0.1});  // Goes on: four recorded, one sent.
  const auto next = s.start();
  s.report(next, 1, 0.05);
  CHECK(s.verdict() == "Pause 4");  // Best of five, but two were sent on already.
  CHECK(s.plan() == "Start to 1");
  settle_first_rung(s, {0.95});
  CHECK(s.plan() == "Resume 4 to 3");  // Six recorded: there is room for it.
}

TEST_CASE("a trial that a person resumes goes to the next rung", "[schedulers]") {
  auto s = stage(promoting());
  settle_first_rung(s, {0.5});
  s.decide(Extend{TrialId{0}, 2, {}});
  CHECK(s.verdict() == "Extend 0 to 3");
  CHECK(s.why == "resumed by a person");
}

TEST_CASE("brackets begin at higher rungs, and all of them are used", "[schedulers]") {
  auto s = stage({true, 1, 27, 3, 3});
  std::map<std::string, int> starts;
  for (int i = 0; i < 200; ++i) {
    ++starts[s.plan()];
    s.start();
  }
  CHECK(starts.size() == 3);
  CHECK(starts["Start to 1"] > starts["Start to 3"]);
  CHECK(starts["Start to 3"] > starts["Start to 9"]);
}

TEST_CASE("asha ranks a trial outside its outcome constraints behind all others", "[schedulers]") {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.outcome_constraints = {{"loss", 0.15, {}}};
  auto scheduler = std::make_unique<Asha>(spec, stopping());
  Stage s{std::move(spec), std::move(scheduler)};
  settle_first_rung(s, {0.3, 0.2, 0.4});
  s.report(s.start(), 1, 0.1);
  CHECK(s.verdict() == "Stop 3 stopped");
}

TEST_CASE("steps that go backwards settle no rung", "[schedulers]") {
  auto s = stage(stopping());
  const auto t = s.start();
  s.report(t, 3, 0.5);
  CHECK(s.verdict() == "Extend 0 to 3");
  CHECK(s.verdict() == "Extend 0 to 9");
  s.report(t, 2, 0.1);
  s.report(t, 1, 0.1);
  CHECK(s.verdict() == "");
  s.report(t, 9, 0.4);
  CHECK(s.verdict() == "Extend 0 to 27");
  CHECK(s.rung->value == 0.4);
}

TEST_CASE("a trial that ends without having come to a rung owes nobody a verdict", "[schedulers]") {
  auto s = stage({true, 4, 64, 4, 1});
  const auto t = s.start();
  s.report(t, 3, 0.5);
  s.exit(t, Cause::done);
  CHECK(s.verdict() == "");
  CHECK(s.plan() == "Start to 4");
}

TEST_CASE("options that leave nothing to halve are refused with the reason", "[schedulers]") {
  const auto refused = [](const SchedulerEntry& entry, Params options, bool saves = true) -> std::string {
    Spec spec = small_spec();
    if (saves) spec.checkpoint.emplace();
    if (!options.contains("eta")) options.set("eta", 3.0);
    if (!options.contains("min_step")) options.set("min_step", std::int64_t{1});
    if (entry.info.name == "asha" && !options.contains("brackets")) options.set("brackets", std::int64_t{1});
    const auto made = entry.make({spec, options});
    return made ? "" : made.error().message;
  };
  const Value one = std::int64_t{1}, nine = std::int64_t{9}, automatic = std::string{"auto"};
  CHECK(refused(asha(), {{"max_step", nine}}) == "");
  CHECK(refused(asha(), {{"max_step", one}}).starts_with("scheduler.max_step must be greater than min_step"));
  CHECK(refused(asha(), {{"max_step", automatic}}) == "");
  CHECK(refused(asha(), {{"max_step", automatic}}, false).starts_with("scheduler.max_step: \"auto\" pauses trials"));
  CHECK(refused(asha(), {{"max_step", automatic}, {"brackets", std::int64_t{2}}}).starts_with("scheduler.brackets"));
  CHECK(refused(hyperband(), {{"max_step", nine}}) == "");
  CHECK(refused(hyperband(), {{"max_step", nine}}, false) == "");
  CHECK(refused(hyperband(), {}).starts_with("scheduler.max_step is needed"));
  CHECK(refused(hyperband(), {{"max_step", nine}, {"min_step", nine}}).starts_with("scheduler.max_step must be greater"));
  CHECK(refused(hyperband(), {{"max_step", nine}, {"eta", 1.2}}).starts_with("scheduler.eta: two rungs would stand at step 1"));
}

}  // namespace asha_test
