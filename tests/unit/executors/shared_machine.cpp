// SPDX-License-Identifier: Apache-2.0
#include "executors/process/shared_machine.hpp"

#include <catch2/catch.hpp>

#include "executors/process/trial_token.hpp"

using namespace tune;

namespace {
Claim cpus(double n) { return Claim({Seat{{}, n, 0, {}, 1, {}}}); }
Claim device(int index, double share = 1) { return Claim({Seat{{}, 0.1, 0, {index}, share, {}}}); }
void never() { FAIL("nobody waits"); }
}  // namespace

TEST_CASE("ranks of one trial that share a device claim it together", "[gangs]") {
  const Seat half{{}, 0.1, 0, {0}, 0.5, {}};
  SharedMachine us(4, never), others(4, [] {});
  REQUIRE(others.take(device(0, 0.5)));
  CHECK_FALSE(us.take(Claim({half, half}), false));
  others.give_back(device(0, 0.5));
  CHECK(us.take(Claim({half, half}), false));
  CHECK_FALSE(others.take(device(0, 0.1), false));
  us.give_back(Claim({half, half}));
}

TEST_CASE("alone, an experiment has what it was offered") {
  SharedMachine us(2, never);
  CHECK(us.take(cpus(1)));
  CHECK(us.take(cpus(1)));
  CHECK_FALSE(us.take(cpus(1)));
  us.give_back(cpus(1));
  CHECK(us.take(cpus(1)));
}

TEST_CASE("one trial of an experiment may always run, however large") {
  SharedMachine us(2, never);
  CHECK(us.take(cpus(16)));
}

TEST_CASE("two experiments share the CPUs, and neither stands still") {
  int woken = 0;
  SharedMachine first(2, [] {}), second(2, [&] { ++woken; });
  CHECK(first.take(cpus(1)));
  CHECK(first.take(cpus(1)));
  CHECK(second.take(cpus(1)));  // Over the brim, once.
  CHECK_FALSE(second.take(cpus(1)));
  first.give_back(cpus(1));
  CHECK(woken == 1);
}

TEST_CASE("who asked later does not overtake") {
  int woken = 0;
  SharedMachine first(2, [] {}), second(2, [&] { ++woken; });
  for (int i = 0; i < 2; ++i) CHECK(first.take(cpus(1)));
  CHECK(second.take(cpus(1)));
  CHECK_FALSE(second.take(cpus(1)));
  first.give_back(cpus(1));
  CHECK_FALSE(first.take(cpus(1)));  // The second experiment waits for this one.
  second.give_back(cpus(1));         // Wakes the first, which waits as well…
  CHECK(second.take(cpus(1)));
}

TEST_CASE("what is not wanted any more holds nobody up") {
  int woken = 0;
  SharedMachine first(2, [&] { ++woken; }), second(2, [] {});
  for (int i = 0; i < 2; ++i) CHECK(first.take(cpus(1)));
  CHECK(second.take(cpus(1)));
  CHECK_FALSE(second.take(cpus(1)));
  first.give_back(cpus(1));
  CHECK_FALSE(first.take(cpus(1)));
  second.wait_no_more();
  CHECK(woken == 1);
  second.give_back(cpus(1));
  CHECK(first.take(cpus(1)));
}

TEST_CASE("an accelerator is never given to two experiments, and its waiter is next") {
  int woken = 0;
  SharedMachine first(4, [] {}), second(4, [&] { ++woken; });
  CHECK(first.take(device(0)));
  CHECK_FALSE(second.take(device(0)));
  CHECK(first.take(device(1)));  // Nobody waits for that one.
  first.give_back(device(0));
  CHECK(woken == 1);
  CHECK_FALSE(first.take(device(0)));
  CHECK(second.take(device(0)));
}

TEST_CASE("an experiment that ends gives everything back") {
  int woken = 0;
  SharedMachine stays(2, [&] { ++woken; });
  {
    SharedMachine goes(2, [] {});
    for (int i = 0; i < 2; ++i) CHECK(goes.take(cpus(1)));
    CHECK(stays.take(cpus(1)));
    CHECK_FALSE(stays.take(cpus(1)));
  }
  CHECK(woken == 1);
  CHECK(stays.take(cpus(1)));
}

TEST_CASE("a trial's token is its own attempt's alone") {
  const auto token = trial_token("secret", "digits", TrialId{7}, 1);
  CHECK(token.size() == 32);
  CHECK(token == trial_token("secret", "digits", TrialId{7}, 1));
  CHECK(token != trial_token("secret", "digits", TrialId{7}, 2));
  CHECK(token != trial_token("secret", "digits", TrialId{71}, 1));
  CHECK(token != trial_token("other", "digits", TrialId{7}, 1));
}
