// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_executor.hpp"

#include "unit/pool/bed.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("what an agent says twice is recorded once", "[pool]") {
  Bed bed;
  bed.launch(0);
  bed.look(0);
  bed.agent->events.take("launch 0");
  bed.agent->tell(1, {started(0), report(0, 1)});
  bed.agent->tell(1, {started(0), report(0, 1), report(0, 2)});
  bed.until<Reported>(2);
  bed.look(0.05);
  CHECK(bed.count<Started>() == 1);
  CHECK(bed.last<Started>().worker == WorkerId{1});
  CHECK(bed.count<Reported>() == 2);
  CHECK(bed.count<Fenced>() == 0);
}

TEST_CASE("an agent hears that its facts are safe only once they are durable, in their order", "[pool]") {
  Bed bed;
  bed.launch(0);
  bed.look(0);
  bed.agent->tell(1, {started(0), report(0, 1)});
  bed.until<Reported>(1);
  bed.look(0.05);
  CHECK_FALSE(bed.agent->events.has("acknowledged"));
  const Observation first = bed.last<Started>(), second = bed.last<Reported>();
  bed.executor->acknowledge(first);
  bed.look(0);
  bed.agent->events.take("acknowledged 1");
  bed.executor->acknowledge(second);
  bed.look(0);
  bed.agent->events.take("acknowledged 2");
}

TEST_CASE("what is launched beyond executor.parallel is held back until there is room", "[pool]") {
  Bed bed(1);
  bed.launch(0), bed.launch(1);
  bed.look(0.05);
  bed.agent->events.take("launch 0");
  CHECK_FALSE(bed.agent->events.has("launch 1"));
  bed.agent->tell(1, {started(0), exited(0)});
  bed.until<Exited>(1);
  bed.look(0);
  bed.agent->events.take("launch 1");
}

TEST_CASE("an attempt that is held back, and lives already by the order of a coordinator that was killed, goes on", "[pool]") {
  Bed bed(1);
  bed.launch(0), bed.launch(1);
  bed.look(0.05);
  bed.come_back({{"digits", {1}, 1}});
  bed.until<WorkerJoined>(2);
  bed.agent->tell(1, {started(1), report(1, 1)});
  bed.until<Reported>(1);
  CHECK(bed.last<Reported>().trial == TrialId{1});
  CHECK(bed.count<Fenced>() == 0);
}

TEST_CASE("an attempt that is held back ends by a Stop without its agent", "[pool]") {
  Bed bed(1);
  bed.launch(0), bed.launch(1), bed.launch(2);
  bed.decide(Stop{{1}, 1, TrialState::stopped, {}});
  bed.until<Exited>(1);
  CHECK(bed.last<Exited>().trial == TrialId{1});
  CHECK(bed.last<Exited>().cause == Cause::stopped);
  CHECK(bed.last<Exited>().text == "so it was decided");
  bed.agent->tell(1, {started(0), exited(0)});
  bed.until<Exited>(2);
  bed.look(0);
  bed.agent->events.take("launch 2");
  CHECK_FALSE(bed.agent->events.has("launch 1"));
  CHECK_FALSE(bed.agent->events.has("another order"));
}

TEST_CASE("what an agent says of an attempt that is not its own is fenced", "[pool]") {
  Bed bed;
  bed.agent->tell(1, {report(7, 1)});
  bed.until<Fenced>(1);
  CHECK(bed.last<Fenced>() == Fenced{{7}, 1, {1}, "Reported", 1});
  CHECK(bed.count<Reported>() == 0);
  bed.look(0);
  bed.agent->events.take("acknowledged 1");  // It counts for nothing, and is not to be said again.
}

TEST_CASE("an agent that has what was given up before this coordinator began is told to end it", "[pool]") {
  for (const auto cause : {Cause::lost, Cause::overtaken}) {
    WorkerJoined joined;
    joined.worker = {1}, joined.agent = std::string(32, 'a');
    Propose propose;
    propose.trial = {0};
    Launch launch;
    launch.trial = {0}, launch.attempt = 1, launch.ranks = {Seat{{1}, 1, 0, {}, 1, {}}};
    Exited exited;
    exited.trial = {0}, exited.attempt = 1, exited.cause = cause;
    const auto decided = [](Decision what) { return Decided{std::move(what), {}}; };
    Bed bed(4, 1, {joined, decided(propose), decided(launch), exited});
    bed.come_back({{"digits", {0}, 1}});
    bed.until<Fenced>(1);
    bed.agent->events.take("fence 0");
  }
}
