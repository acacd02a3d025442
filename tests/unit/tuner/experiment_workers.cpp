// SPDX-License-Identifier: Apache-2.0
// Workers that come, go, are set aside or too small, as an experiment sees them.
#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

TEST_CASE("what no worker can hold ends the experiment instead of waiting for ever", "[experiment]") {
  auto spec = small_spec();
  spec.resources.gpus = 1;
  Rig rig{std::move(spec)};
  CHECK(rig.decide() == "Finish");
  CHECK(rig.experiment->history().exit_code() == 3);
}

TEST_CASE("what only a lost worker could hold ends the experiment, unless nobody is left or one is only set aside", "[experiment]") {
  auto spec = small_spec();
  spec.resources.cpus = 4;
  Rig rig{spec};
  WorkerJoined big;
  big.worker = WorkerId{1}, big.offers.cpus = 4;
  const auto lose = [&](int worker) { rig.see(WorkerLost{WorkerId{worker}, "gone", ""}); };
  lose(0);
  CHECK(rig.decide().empty());  // The pool's first worker may be about to join.
  rig.see(big);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  WorkerJoined small;
  small.worker = WorkerId{0}, small.offers.cpus = 2;
  rig.see(small);
  rig.see(WorkerChanged{WorkerId{1}, "cordoned", {}, {}, "somebody works there"});
  rig.exits(0, Cause::lost);
  CHECK(rig.decide().empty());
  rig.see(WorkerChanged{WorkerId{1}, "ready", {}, {}, ""});
  CHECK(rig.decide() == "Launch 0");
  lose(1), rig.exits(0, Cause::lost, 2);
  CHECK(rig.decide().starts_with("Finish"));
  CHECK(rig.experiment->history().exit_code() == 3);
}

TEST_CASE("a gang waits five minutes for agents that it still needs", "[experiment][gangs]") {
  auto spec = small_spec();
  spec.gang.ranks = 3;
  Rig rig{spec, [](const Spec&) { return std::unique_ptr<Allocator>{}; }};
  const auto comes = [&](int worker) {
    WorkerJoined w;
    w.worker = WorkerId{worker}, w.agent = "a" + std::to_string(worker), w.offers.cpus = 2;
    rig.see(w);
  };
  comes(1);
  CHECK(rig.decide().empty());
  CHECK(rig.experiment->wake_at() == Time{400});
  rig.pass(200), comes(2);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  rig.exits(0), rig.see(WorkerLost{WorkerId{2}, "gone", ""});
  CHECK(rig.decide() == "Settle 0 failed");
  rig.pass(299);
  CHECK(rig.decide().empty());
  rig.pass(1);
  CHECK(rig.decide() == "Finish");
  CHECK(rig.experiment->history().exit_code() == 3);
}

TEST_CASE("an experiment that requires a label waits for a worker that bears it, and gives it all trials", "[experiment]") {
  auto spec = small_spec();
  spec.required_labels = {"gpu=a100"};
  Rig rig{spec};
  CHECK(rig.decide().empty());
  WorkerJoined w;
  w.worker = WorkerId{1}, w.offers.cpus = 1, w.labels = {"os=linux", "gpu=a100"};
  rig.see(w);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  CHECK(rig.journal.back().as<Launch>()->ranks.front().worker == WorkerId{1});
}

TEST_CASE("workers of an earlier process hold nothing until they join anew", "[experiment]") {
  Rig rig{small_spec(), 1};
  rig.see(Opened{"test", "", "here", "", 2, "resume"});
  CHECK(rig.decide().empty());
  WorkerJoined w;
  w.worker = WorkerId{1}, w.offers.cpus = 1;
  rig.see(w);
  CHECK(rig.decide() == "Propose 0, Launch 0");
  CHECK(rig.journal.back().as<Launch>()->ranks.front().worker == WorkerId{1});
}

TEST_CASE("what people ask of a worker is decided and not done by the fold, and only agents can be asked", "[experiment]") {
  Rig rig{small_spec(), 1};
  WorkerJoined w;
  w.worker = WorkerId{1}, w.agent = "a1", w.offers.cpus = 1;
  rig.see(w);
  rig.decide();
  Requested drain;
  drain.verb = "drain", drain.worker = WorkerId{1}, drain.by = "kim";
  REQUIRE_FALSE(rig.experiment->objection(drain));
  rig.see(drain);
  const auto release = rig.experiment->next();
  REQUIRE(release);
  CHECK(std::get<Release>(release->what) == Release{{}, WorkerId{1}, "drain"});
  CHECK(release->reason.why == "asked for by kim");

  drain.worker = WorkerId{0};
  CHECK(rig.experiment->objection(drain)->message == "worker 0 is this machine, which no agent offers");
  drain.worker = WorkerId{7};
  CHECK(rig.experiment->objection(drain)->code == Error::Code::not_found);
  drain.worker = {};
  CHECK(rig.experiment->objection(drain)->hint == "`tune workers` lists them");
}

TEST_CASE("an experiment whose only worker is set aside waits, and goes on when it is taken back", "[experiment]") {
  Rig rig{small_spec()};
  rig.see(WorkerChanged{WorkerId{0}, "cordoned", {}, {}, "somebody works there"});
  CHECK(rig.decide().empty());
  rig.see(WorkerChanged{WorkerId{0}, "ready", {}, {}, ""});
  CHECK(rig.decide().starts_with("Propose 0, Launch 0"));
}

TEST_CASE("a cordon outlasts the worker's absence, a drain does not", "[experiment]") {
  Rig rig{small_spec()};
  const auto state = [&] { return rig.experiment->history().workers().at(WorkerId{1}).state; };
  WorkerJoined w;
  w.worker = WorkerId{1};
  rig.see(w);
  CHECK(state() == "ready");
  for (const auto* asked : {"cordoned", "draining"}) {
    rig.see(WorkerChanged{WorkerId{1}, asked, {}, {}, ""});
    rig.see(WorkerLost{WorkerId{1}, "its agent went away", ""});
    rig.see(w);
    CHECK(state() == (asked == std::string{"cordoned"} ? "cordoned" : "ready"));
  }
}
