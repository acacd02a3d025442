// SPDX-License-Identifier: Apache-2.0
#include "schedulers/pbt.hpp"

#include <catch2/catch.hpp>

#include "schedulers/all.hpp"
#include "support/records.hpp"

namespace pbt_test {

using namespace tune;
using namespace tune::test;

namespace {

Spec spec_of(std::int64_t trials) {
  Spec spec;
  Dimension x;
  x.name = "x", x.kind = Dimension::Kind::integer, x.min = 0, x.max = 100;
  spec.space = Space::make({x}).value();
  Objective loss;
  loss.metric = "loss";
  spec.objectives = {loss};
  spec.checkpoint.emplace();
  spec.stop.trials = trials;
  return spec;
}

Params options_of(Params more) {
  Params all{{"interval", std::int64_t{10}}, {"quantile", 0.25}, {"perturb", std::string{"[0.8,1.2]"}}};
  for (const auto& [name, value] : more) all.set(name, value);
  return all;
}

Result<std::unique_ptr<Scheduler>> make(const Spec& spec, const Params& more = {}) {
  for (const auto& entry : schedulers())
    if (entry.info.name == "pbt") return entry.make({spec, options_of(more)});
  throw std::out_of_range("pbt");
}

const Spec& four() {
  static const Spec spec = spec_of(4);  // The scheduler keeps a reference.
  return spec;
}

/// Four members that run, on a machine with room for all.
struct Four : Stage {
  explicit Four(const Params& options = {}) : Stage(four(), make(four(), options).value()) {
    for (int i = 0; i < 4; ++i) start();
  }
  void save(std::int64_t trial, std::int64_t step) {
    Checkpointed c;
    c.trial = {trial}, c.attempt = history().trial({trial}).attempt, c.step = step;
    c.checkpoint = "of " + std::to_string(trial) + " at " + std::to_string(step) + " attempt " + std::to_string(c.attempt);
    see(c);
  }
};

}  // namespace

TEST_CASE("the worst member of four goes on from the best one's checkpoint", "[pbt]") {
  Four stage;
  for (int i = 0; i < 4; ++i) stage.report({i}, 10, 1.0 - 0.1 * i);
  for (int i = 1; i < 4; ++i) stage.save(i, 10);
  REQUIRE(stage.verdict() == "Exploit 0");
  REQUIRE(stage.why.starts_with("rank 4 of 4 at step 10: goes on from step 10 of trial 3, rank 1, with x "));
  const Trial& clone = stage.history().trial({0});
  REQUIRE(clone.checkpoint == "of 3 at 10 attempt 1");
  REQUIRE(clone.until_step == 20);
  for (int i = 1; i < 4; ++i) REQUIRE(stage.verdict() == "Extend " + std::to_string(i) + " to 20");
  REQUIRE(stage.verdict().empty());
}

TEST_CASE("nobody is judged while fewer than half of the members can be compared", "[pbt]") {
  Four stage;
  stage.report({0}, 10, 1.0);
  REQUIRE(stage.verdict() == "Extend 0 to 20");
  REQUIRE(stage.why == "only 1 of 4 members can be compared at step 10");
}

TEST_CASE("a member waits for its donor's checkpoint, and gives up once that was scored twice", "[pbt]") {
  Four stage;
  for (int i = 0; i < 4; ++i) stage.report({i}, 10, 1.0 - 0.1 * i);
  for (int i = 1; i < 4; ++i) REQUIRE(stage.verdict() == "Extend " + std::to_string(i) + " to 20");
  REQUIRE(stage.verdict().empty());  // Trial 0 waits for 3.
  SECTION("it comes") {
    stage.save(3, 10);
    REQUIRE(stage.verdict() == "Exploit 0");
  }
  SECTION("it does not") {
    stage.report({3}, 20, 0.5);
    stage.save(3, 10);  // Older than the score that it would be chosen by.
    REQUIRE(stage.verdict() == "Extend 0 to 20");
    REQUIRE(stage.why == "rank 4 of 4 at step 10, but none of the best 1 is better and has saved since it was scored");
  }
  SECTION("its donor leaves") {
    stage.exit({3}, Cause::lost);
    REQUIRE(stage.verdict() == "Pause 0");  // For whoever has the slot: the lost one goes on first.
  }
}

TEST_CASE("in sync mode nobody is judged before everybody has come as far, and those that failed do not count", "[pbt]") {
  Four stage{Params{{"mode", std::string{"sync"}}}};
  for (int i = 0; i < 3; ++i) stage.report({i}, 10, 1.0 - 0.1 * i);
  for (int i = 0; i < 3; ++i) stage.save(i, 10);
  REQUIRE(stage.verdict().empty());
  stage.exit({3}, Cause::exit);
  REQUIRE(stage.verdict() == "Exploit 0");
}

TEST_CASE("a member that is done is complete", "[pbt]") {
  Four stage{Params{{"max_step", std::int64_t{15}}}};
  stage.report({0}, 10, 1.0);
  REQUIRE(stage.verdict() == "Extend 0 to 15");
  stage.report({0}, 15, 0.9);
  REQUIRE(stage.verdict() == "Stop 0 complete");
}

TEST_CASE("a member that was stopped or cancelled is replaced like one that failed, as long as there are trials", "[pbt]") {
  const Spec spec = spec_of(7);
  Stage stage(spec, make(spec, {{"population", std::int64_t{4}}}).value());
  for (int i = 0; i < 4; ++i) stage.start();
  REQUIRE(stage.plan().empty());
  for (int left = 0; left < 3; ++left) {
    stage.report({left}, 5, 1.0);
    if (left == 0) {
      stage.exit({left}, Cause::exit);
    } else {
      const auto as = left == 1 ? TrialState::stopped : TrialState::cancelled;
      stage.decide(Stop{{left}, 1, as, {}});
      stage.exit({left}, left == 1 ? Cause::stopped : Cause::cancelled);
    }
    REQUIRE(stage.plan() == "Start to 10");
    stage.start();
    REQUIRE(stage.plan().empty());
  }
  stage.exit({3}, Cause::exit);
  REQUIRE(stage.plan().empty());  // All seven trials were begun.
}

TEST_CASE("nobody is replaced once a member is complete", "[pbt]") {
  const Spec spec = spec_of(7);
  Stage stage(spec, make(spec, {{"population", std::int64_t{4}}}).value());
  for (int i = 0; i < 4; ++i) stage.start();
  stage.report({0}, 5, 1.0), stage.exit({0}, Cause::done);
  stage.decide(Stop{{1}, 1, TrialState::stopped, {}}), stage.exit({1}, Cause::stopped);
  REQUIRE(stage.plan().empty());
}

TEST_CASE("a ready member makes no room for one that is about to start in a slot of its own", "[pbt]") {
  const auto answer = [](double cpus) {
    Stage stage(four(), make(four()).value());
    for (int i = 0; i < 4; ++i) stage.start();
    stage.exit({3}, Cause::lost);
    WorkerJoined here;
    here.worker = {0}, here.offers.cpus = cpus;
    stage.see(here);
    Launch again;
    again.trial = {3}, again.attempt = 2;
    again.ranks = {{{0}, 1, 0, {}, 1, {}}};
    stage.decide(again);
    stage.report({0}, 10, 1.0);
    return stage.verdict();
  };
  REQUIRE(answer(4) == "Extend 0 to 20");
  REQUIRE(answer(3) == "Pause 0");  // It was launched ahead of its slot.
}

TEST_CASE("pbt refuses what cannot work, and says what would", "[pbt]") {
  const auto refused = [](const Spec& spec, Params more = {}) { return make(spec, more).error().message; };
  Spec spec = spec_of(4);
  REQUIRE(refused(spec, {{"population", std::int64_t{5}}}) == "scheduler.population: 5 members are more than the 4 trials of `stop.trials`");
  REQUIRE(refused(spec, {{"max_step", std::int64_t{10}}}).starts_with("scheduler.interval: must be less than max_step"));
  REQUIRE(refused(spec, {{"perturb", std::string{"[0]"}}}).starts_with("scheduler.perturb:"));
  REQUIRE(refused(spec, {{"mutate", std::string{"[\"y\"]"}}}) == "scheduler.mutate: there is no parameter `y`");
  REQUIRE(refused(spec, {{"frequencies", std::string{"[1, 2]"}}}).starts_with("scheduler.frequencies: 2 sub-populations"));
  spec.logical_order = true;
  REQUIRE(refused(spec).find("checkpoints") != std::string::npos);
  spec = spec_of(4);
  spec.checkpoint.reset();
  REQUIRE(refused(spec).find("must be able to save") != std::string::npos);
  spec = spec_of(4);
  spec.instances = {"a", "b"};
  REQUIRE(refused(spec).find("results on the instances") != std::string::npos);
}

}  // namespace pbt_test
