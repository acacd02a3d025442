// SPDX-License-Identifier: Apache-2.0
// Copies of attempts: what an experiment decides about them, and what becomes of them.
#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Two workers with a slot each; five trials of two steps, 10 s each, are done. Trial 5 runs on worker 1 since second 200, and nothing else.
struct SlowTrial : Rig {
  explicit SlowTrial(Spec given = copies_spec()) : Rig(std::move(given), 1) {
    joins(1, 1);
    for (int t = 0; t < 5; ++t) {
      decide();
      if (!started(t)) starts(t);
      now.seconds += 10;
      report(t, 1, 1), now.seconds += 10, report(t, 2, 1);
      exits(t);
    }
    decide();
    if (!started(5)) starts(5);
    began = now;
  }
  static Spec copies_spec() {
    auto out = small_spec();
    out.executor = {"pool", {{"speculate", true}}};
    out.stop.trials = 6;
    return out;
  }
  bool started(int t) const { return trial(t).state == TrialState::running; }
  WorkerId worker(int t) const { return trial(t).worker; }
  const Speculate* copy() const { return experiment->history().copy(TrialId{5}); }
  void copy_begins() {
    now = *experiment->wake_at();
    see(TimePassed{});
    REQUIRE(decide() == "Speculate 5");
  }
  Time began;
};

}  // namespace

TEST_CASE("a trial far behind the others gets a copy on another worker, once nothing else wants its slot", "[experiment][copies]") {
  SlowTrial rig;
  CHECK(rig.decide().empty());
  CHECK(rig.experiment->wake_at() == rig.began + Duration{40});
  rig.copy_begins();
  CHECK(rig.copy()->attempt == 2);
  CHECK(rig.copy()->ranks.front().worker != rig.worker(5));
  CHECK(rig.trial(5).attempt == 1);
  CHECK(rig.experiment->placement().cpus_taken() == 2);
  CHECK_FALSE(rig.experiment->wake_at());
}

TEST_CASE("without speculate no attempt gets a copy", "[experiment][copies]") {
  auto spec = SlowTrial::copies_spec();
  spec.executor = {"pool", {}};
  SlowTrial rig{spec};
  rig.pass(1000);
  CHECK(rig.decide().empty());
}

TEST_CASE("a slot that a new trial could have gets no copy", "[experiment][copies]") {
  auto spec = SlowTrial::copies_spec();
  spec.stop.trials = 100;
  SlowTrial rig{spec};
  rig.pass(1000);
  CHECK(rig.decide().find("Speculate") == std::string::npos);
}

TEST_CASE("an attempt that ends before its copy ends the copy, and counts", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.report(5, 1, 0.5), rig.exits(5);
  CHECK(rig.decide() == "EndCopy 5, Settle 5 complete, Finish");
  CHECK_FALSE(rig.copy());
  CHECK(rig.experiment->placement().cpus_taken() == 0);
}

TEST_CASE("a copy that ends first is launched in the attempt's place, and what it did is learned then", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.exits(5, Cause::overtaken);
  CHECK(rig.decide() == "Launch 5");
  const auto* launch = rig.journal.back().as<Launch>();
  CHECK((launch->attempt == 2 && launch->speculative));
  CHECK_FALSE(rig.copy());
  CHECK(rig.experiment->placement().cpus_taken() == 1);
  rig.starts(5, 2), rig.report(5, 1, 0.25, 2), rig.exits(5, Cause::done, 2);
  CHECK(rig.decide() == "Settle 5 complete, Finish");
  CHECK(rig.trial(5).values == std::vector{0.25});
  CHECK(rig.trial(5).retries == 0);
}

TEST_CASE("when an attempt is lost its copy goes on in its place; when it failed, both end", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.exits(5, Cause::lost);
  CHECK(rig.decide() == "Launch 5");
  CHECK(rig.journal.back().as<Launch>()->attempt == 2);

  SlowTrial other;
  other.copy_begins();
  other.exits(5, Cause::exit);
  CHECK(other.decide() == "EndCopy 5, Settle 5 failed, Finish");
}

TEST_CASE("an attempt that is asked to end takes its copy with it", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.decided(Stop{TrialId{5}, 1, TrialState::stopped, {}});
  CHECK(rig.decide() == "EndCopy 5");
  rig.exits(5, Cause::stopped);
  CHECK(rig.decide() == "Settle 5 stopped, Finish");
}

TEST_CASE("a copy that is lost leaves its seat, and the attempt gets no other one", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.see(CopyExited{TrialId{5}, 2, Cause::lost, "its agent is lost"});
  CHECK(rig.experiment->placement().cpus_taken() == 1);
  rig.pass(1000);
  CHECK(rig.decide().empty());
  rig.exits(5, Cause::lost);
  CHECK(rig.decide() == "Launch 5");
  CHECK(rig.trial(5).attempt == 3);
}

TEST_CASE("no copy outlives the process that ordered it", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.see(Opened{"test", "", "here", "", 2, "resume"});
  CHECK_FALSE(rig.copy());
  rig.exits(5, Cause::lost);
  rig.joins(0, 1), rig.joins(1, 1);
  CHECK(rig.decide() == "Launch 5");
  CHECK_FALSE(rig.journal.back().as<Launch>()->speculative);
}

TEST_CASE("what was owed of a copy when its process ended is not any more", "[experiment][copies]") {
  SlowTrial rig;
  rig.copy_begins();
  rig.exits(5, Cause::overtaken);
  rig.see(Opened{"test", "", "here", "", 2, "resume"});
  rig.joins(0, 1), rig.joins(1, 1);
  CHECK(rig.decide() == "Launch 5");
  CHECK_FALSE(rig.journal.back().as<Launch>()->speculative);
  CHECK(rig.trial(5).attempt == 3);

  SlowTrial other;
  other.copy_begins();
  other.report(5, 1, 0.5), other.exits(5);
  other.see(Opened{"test", "", "here", "", 2, "resume"});
  CHECK(other.decide() == "Settle 5 complete");
}
