// SPDX-License-Identifier: Apache-2.0
#include "schedulers/rules.hpp"

#include <catch2/catch.hpp>

#include "schedulers/asha.hpp"
#include "schedulers/hyperband.hpp"
#include "schedulers/patience.hpp"
#include "schedulers/threshold.hpp"
#include "support/records.hpp"

namespace rules_test {

using namespace tune;
using namespace tune::test;

namespace {

// A threshold of 1 and a patience of `steps`, beside the scheduler.
Stage beside(const Spec& spec, std::unique_ptr<Scheduler> scheduler, std::int64_t steps = 1000) {
  std::vector<Rules::Rule> rules;
  rules.push_back({"threshold", std::make_unique<Threshold>(ThresholdOptions{"loss", {}, 1.0, 0})});
  rules.push_back({"patience", std::make_unique<Patience>(PatienceOptions{steps, 0})});
  return Stage{spec, std::make_unique<Rules>(std::move(scheduler), std::move(rules))};
}

Spec spec_of(std::int64_t trials) {
  Spec spec = small_spec();
  spec.stop.trials = trials;
  spec.checkpoint.emplace();
  return spec;
}

Stage beside_asha(bool promote, std::int64_t steps = 1000) {
  const Spec spec = spec_of(1000);
  return beside(spec, std::make_unique<Asha>(spec, AshaOptions{promote, 1, 9, 3, 1}), steps);
}

}  // namespace

TEST_CASE("rules stop what they condemn, and the scheduler says the rest", "[schedulers]") {
  auto s = beside_asha(true);
  CHECK(s.plan() == "Start to 1");
  const auto a = s.start(), b = s.start(), c = s.start();
  s.report(a, 1, 0.3);
  CHECK(s.verdict() == "Pause 0");
  s.report(b, 1, 5);
  CHECK(s.verdict() == "Stop 1 stopped");
  CHECK(s.why == "rule threshold: at step 1 `loss` is 5, above 1");
  CHECK_FALSE(s.rung);
  s.report(c, 1, 0.4);
  CHECK(s.verdict() == "Pause 2");
  // Three were recorded at the rung, the stopped one among them: the best one goes on.
  CHECK(s.rung->of == 3);
  CHECK(s.plan() == "Resume 0 to 3");
  CHECK(s.verdict() == "");
}

TEST_CASE("a stop is recorded as the decision of the rule that made it", "[schedulers]") {
  Spec spec = spec_of(1000);
  spec.scheduler.type = "asha";
  Rig rig(spec);
  std::vector<Rules::Rule> rules;
  rules.push_back({"threshold", std::make_unique<Threshold>(ThresholdOptions{"loss", {}, 1.0, 0})});
  rig.experiment = std::make_unique<Experiment>(
      *rig.spec, std::make_unique<CountingSampler>(),
      std::make_unique<Rules>(std::make_unique<Asha>(*rig.spec, AshaOptions{false, 1, 9, 3, 1}), std::move(rules)));
  for (const auto& r : rig.journal) rig.experiment->apply(r);
  rig.decide();
  rig.starts(0), rig.starts(1);
  rig.report(0, 1, 0.5);
  CHECK(rig.decide() == "Extend 0");
  CHECK(rig.journal.back().decided()->reason.by == "asha");
  rig.report(1, 1, 5);
  CHECK(rig.decide() == "Stop 1");
  CHECK(rig.journal.back().decided()->reason.by == "threshold");
}

TEST_CASE("a trial that has done all its steps is complete, whatever a rule says of its last report", "[schedulers]") {
  auto s = beside_asha(false);
  const auto t = s.start();
  for (const int step : {1, 3}) s.report(t, step, 0.1), s.verdict();
  s.report(t, 9, 7);
  CHECK(s.verdict() == "Stop 0 complete");
  CHECK(s.verdict() == "");
}

TEST_CASE("rules are asked in their order", "[schedulers]") {
  auto s = beside_asha(false, 2);
  const auto t = s.start();
  s.report(t, 1, 0.5);
  s.verdict();
  s.report(t, 3, 8);
  CHECK(s.verdict() == "Stop 0 stopped");
  CHECK(s.why.starts_with("rule threshold: "));
  CHECK(s.verdict() == "");
}

TEST_CASE("hyperband does not wait at a rung for a trial that a rule has stopped", "[schedulers]") {
  const Spec spec = spec_of(3);
  auto s = beside(spec, std::make_unique<Hyperband>(spec, HyperbandOptions{1, 3, 3}));
  const auto a = s.start(), b = s.start(), c = s.start();
  s.report(a, 1, 0.3);
  CHECK(s.verdict() == "Pause 0");
  s.report(b, 1, 0.5);
  CHECK(s.verdict().starts_with("Stop 1"));
  CHECK(s.plan().starts_with("Start"));
  s.report(c, 1, 6);
  CHECK(s.verdict() == "Stop 2 stopped");
  CHECK(s.plan() == "Resume 0 to 3");
}

TEST_CASE("what a rule refuses is said with its place", "[schedulers]") {
  Spec spec = small_spec();
  spec.rules = {{"median", {{"min_step", std::int64_t{1}}, {"min_trials", std::int64_t{1}}, {"every", std::int64_t{1}}}},
                {"threshold", {{"after_step", std::int64_t{0}}}}};
  const auto made = with_rules(std::make_unique<Asha>(spec, AshaOptions{}), spec);
  REQUIRE_FALSE(made);
  CHECK(made.error().message == "scheduler.rules.1.max: a threshold needs `min`, `max` or both");
}

}  // namespace rules_test
