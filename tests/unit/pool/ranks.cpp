// SPDX-License-Identifier: Apache-2.0
#include "unit/pool/bed.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Trial 0 with two ranks on each of two agents.
Launch gang() {
  Launch launch;
  launch.trial = {0}, launch.attempt = 1, launch.params = Params{{"x", 0.5}};
  for (const std::int64_t worker : {1, 1, 2, 2}) launch.ranks.push_back(Seat{{worker}, 1, 0, {}, 1, {}});
  return launch;
}

/// With its agents, which are played.
struct GangBed : Bed {
  Scripted &one, &two;

  GangBed() : Bed(4, 2), one(*agents[0]), two(*agents[1]) { begin(); }
  void begin() {
    decide(gang());
    look(0);
    one.events.take("reserve 0, 2 ranks, round 1"), two.events.take("reserve 0, 2 ranks, round 1");
  }
  static void answer(Scripted& agent, int round, bool granted, bool begun = false) {
    agent.say(Reserved{{"digits", {0}, 1}, round, granted, begun, "10.0.0.7", "node7", 4711});
  }
  void start() {
    answer(one, 1, true), answer(two, 1, true);
    while (!one.events.has("launch 0") || !two.events.has("launch 0")) look(0.02);
    one.events.take("launch 0"), two.events.take("launch 0");
    one.tell(1, {started(0)});
    two.tell(1, {started(0)});
    until<Started>(1);
  }
  static Observation ended(Cause cause, int first_rank = 0, std::int64_t reports = 0) {
    Exited e;
    e.trial = {0}, e.attempt = 1, e.cause = cause, e.first_rank = first_rank, e.last_seq = reports;
    e.usage = {2, 1.5, 100};
    return e;
  }
};

}  // namespace

TEST_CASE("ranks start when all agents have kept room for them, and are told where they meet", "[pool][gangs]") {
  GangBed bed;
  bed.answer(bed.one, 1, true);
  bed.look(0.1);
  CHECK_FALSE(bed.one.events.has("launch 0"));
  bed.answer(bed.two, 1, true);
  while (!bed.two.events.has("launch 0")) bed.look(0.02);
  CHECK(bed.two.meeting.first == 2);
  CHECK(bed.two.meeting.count == 2);
  CHECK(bed.two.meeting.world == 4);
  CHECK(bed.two.meeting.node == 1);
  CHECK(bed.two.meeting.address == "10.0.0.7");
  CHECK(bed.two.meeting.port == 4711);
  CHECK(bed.two.meeting.hosts == std::vector<RanksPlan::Host>{{"node7", 2}, {"node7", 2}});
}

TEST_CASE("where one agent has no room all let go, and are asked again", "[pool][gangs]") {
  GangBed bed;
  bed.answer(bed.one, 1, true), bed.answer(bed.two, 1, false);
  while (!bed.one.events.has("fence 0")) bed.look(0.02);
  bed.two.events.take("fence 0");
  bed.answer(bed.two, 1, true);  // Too late: it was told to let go.
  while (!bed.one.events.has("reserve 0, 2 ranks, round 2")) bed.look(0.1);
  CHECK_FALSE(bed.one.events.has("launch 0"));
  bed.answer(bed.one, 2, true), bed.answer(bed.two, 2, true);
  while (!bed.one.events.has("launch 0")) bed.look(0.02);
}

TEST_CASE("a gang that is stopped while it gathers ends without a start", "[pool][gangs]") {
  GangBed bed;
  bed.answer(bed.one, 1, true);
  bed.decide(Stop{{0}, 1, TrialState::stopped, {}});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::stopped);
  bed.one.events.take("fence 0"), bed.two.events.take("fence 0");
  bed.answer(bed.two, 1, true);
  bed.look(0.1);
  CHECK_FALSE(bed.one.events.has("launch 0"));
}

TEST_CASE("ranks that an agent had begun for a coordinator that was killed end the attempt", "[pool][gangs]") {
  GangBed bed;
  bed.answer(bed.one, 1, true), bed.answer(bed.two, 1, false, true);
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::lost);
  bed.one.events.take("fence 0"), bed.two.events.take("fence 0");
}

TEST_CASE("ranks that an agent had begun end the attempt also where it is held back", "[pool][gangs]") {
  Bed bed(1, 2);
  bed.launch(1);
  bed.decide(gang());
  bed.come_back({{"digits", {0}, 1}});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().trial == TrialId{0});
  CHECK(bed.last<Exited>().cause == Cause::lost);
  bed.agents[0]->events.take("fence 0"), bed.agents[1]->events.take("fence 0");
}

TEST_CASE("ranks that an agent had begun end the attempt as soon as it says so, before their reports are heard", "[pool][gangs]") {
  GangBed bed;
  bed.come_back({{"digits", {0}, 1}});
  bed.agents[0]->tell(1, {started(0), report(0, 1)});
  bed.until<Fenced>(1);
  REQUIRE(bed.count<Exited>() == 1);
  CHECK(bed.last<Exited>().cause == Cause::lost);
  bed.agents[0]->events.take("fence 0"), bed.two.events.take("fence 0");
}

TEST_CASE("an agent that had room and does not say that its ranks started is given up, and the others are ended", "[pool][gangs]") {
  GangBed bed;
  bed.spec.executor.options.set("start_timeout", std::string{"1500ms"});
  bed.answer(bed.one, 1, true), bed.answer(bed.two, 1, true);
  while (!bed.one.events.has("launch 0") || !bed.two.events.has("launch 0")) bed.look(0.02);
  bed.one.tell(1, {started(0)});
  bed.until<Started>(1);
  while (!bed.one.events.has("end ranks of 0")) bed.look(60);
  bed.two.events.take("fence 0");
  CHECK(bed.count<Exited>() == 0);
  bed.one.tell(2, {bed.ended(Cause::gang)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::lost);
  CHECK(bed.last<Exited>().first_rank == 2);
  CHECK(bed.last<Exited>().text == "its agent did not start its ranks within executor.start_timeout (1500ms)");
  bed.two.tell(1, {started(0)});  // Too late.
  bed.until<Fenced>(1);
  CHECK(bed.count<Started>() == 1);
}

TEST_CASE("ranks that all started in time are not bound by the time to start", "[pool][gangs]") {
  GangBed bed;
  bed.spec.executor.options.set("start_timeout", std::string{"2s"});
  bed.start();
  bed.two.tell(2, {Warned{"disk", "", "what it says after its start was heard"}});
  bed.until<Warned>(1);
  bed.look(2.2);
  CHECK(bed.count<Exited>() == 0);
  CHECK_FALSE(bed.one.events.has("end ranks of 0"));
}

TEST_CASE("the first part that ends badly ends the others, and says how the attempt ended", "[pool][gangs]") {
  GangBed bed;
  bed.start();
  CHECK(bed.last<Started>().worker == WorkerId{1});
  bed.two.tell(2, {bed.ended(Cause::exit, 3)});
  while (!bed.one.events.has("end ranks of 0")) bed.look(0.02);
  CHECK(bed.count<Exited>() == 0);
  bed.one.tell(2, {report(0, 1), bed.ended(Cause::gang, 0, 1)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::exit);
  CHECK(bed.last<Exited>().first_rank == 3);
  CHECK(bed.last<Exited>().last_seq == 1);
  CHECK(bed.last<Exited>().usage == Usage{2, 3, 200});
  CHECK(bed.count<Started>() == 1);
}

TEST_CASE("ranks that fail because others left them do not hide why those left", "[pool][gangs]") {
  GangBed bed;
  bed.start();
  bed.one.tell(2, {bed.ended(Cause::exit)});
  while (!bed.two.events.has("end ranks of 0")) bed.look(0.02);
  bed.two.tell(2, {bed.ended(Cause::preempted, 2)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::preempted);
  CHECK(bed.last<Exited>().first_rank == 2);
}

TEST_CASE("parts that end well are waited for, and the first rank's end is the attempt's", "[pool][gangs]") {
  GangBed bed;
  bed.start();
  bed.two.tell(2, {bed.ended(Cause::done)});
  bed.look(0.1);
  CHECK(bed.count<Exited>() == 0);
  CHECK_FALSE(bed.one.events.has("end ranks of 0"));
  bed.one.tell(2, {report(0, 1), bed.ended(Cause::done, 0, 1)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::done);
  CHECK(bed.last<Exited>().last_seq == 1);
}

TEST_CASE("parts that were asked to end are left to save", "[pool][gangs]") {
  GangBed bed;
  bed.start();
  bed.decide(Pause{{0}, 1, {}});
  bed.one.events.take("another order"), bed.two.events.take("another order");
  bed.two.tell(2, {bed.ended(Cause::paused)});
  bed.look(0.1);
  CHECK_FALSE(bed.one.events.has("end ranks of 0"));
  bed.one.tell(2, {bed.ended(Cause::paused)});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().cause == Cause::paused);
}
