// SPDX-License-Identifier: Apache-2.0
#include "search/pace.hpp"

#include <catch2/catch.hpp>

namespace pace_test {

using namespace tune;

namespace {

struct Line {
  detail::Pace pace;
  Seq seq = 0;
  std::int64_t next = 0;
  void learn(double at, std::variant<Observation, Decided> fact, bool heavy = false) {
    pace.learn({++seq, {at}, 1, std::move(fact)}, heavy);
  }
  void proposal(double seconds, std::int64_t until_step = 0) {
    Propose p;
    p.seconds = seconds, p.until_step = until_step;
    learn(0, Decided{p, {}}, true);
  }
  void trial(double seconds, Cause cause = Cause::done) {
    const TrialId t{next++};
    learn(100, Started{t, 1, 0, WorkerId{0}, 1});
    Exited e;
    e.trial = t, e.attempt = 1, e.cause = cause;
    learn(100 + seconds, e);
  }
};

}  // namespace

TEST_CASE("proposals are dear when they take more than a twentieth of a trial") {
  Line line;
  line.proposal(0.2);
  CHECK_FALSE(line.pace.dear());  // Nobody knows yet how long trials take.
  line.trial(5);
  CHECK_FALSE(line.pace.dear());
  for (int i = 0; i < 2; ++i) line.trial(1);
  CHECK(line.pace.dear());
}

TEST_CASE("what takes less than ten milliseconds is never dear") {
  Line line;
  line.proposal(0.009);
  line.trial(0.001);
  CHECK_FALSE(line.pace.dear());
}

TEST_CASE("one slow proposal in fifteen is forgiven, and old ones are forgotten") {
  Line line;
  line.trial(1);
  for (int i = 0; i < 14; ++i) line.proposal(0.001);
  line.proposal(10);
  CHECK_FALSE(line.pace.dear());
  for (int i = 0; i < 15; ++i) line.proposal(10);
  CHECK(line.pace.dear());
}

TEST_CASE("attempts that were cut short from outside say nothing about how long trials take") {
  Line line;
  line.trial(7, Cause::preempted);
  CHECK(line.pace.trial_seconds() == 0);
}

TEST_CASE("in logical order the machine's speed counts for nothing") {
  Line line;
  line.trial(1);
  line.proposal(10, 3);
  CHECK_FALSE(line.pace.dear());
}

}  // namespace pace_test
