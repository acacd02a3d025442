// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/roster.hpp"

#include <catch2/catch.hpp>

using namespace tune;
using What = Roster::Change::What;

namespace {
// Beats every 2 s, a lease of 20, 3 to end the trials, 2 for clocks.
Roster roster() { return Roster{Roster::Settings{}}; }
}  // namespace

TEST_CASE("an agent is suspect after three missed beats and lost when its lease must have ended", "[pool]") {
  auto r = roster();
  CHECK(r.hello("a", {100}));
  CHECK(r.look({105.9}).empty());
  auto seen = r.look({106});
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].what == What::suspect);
  CHECK(seen[0].why == "nothing was heard of it for 6s");
  CHECK(r.look({124.9}).empty());
  CHECK(*r.next() == Time{125});
  seen = r.look({125});
  REQUIRE(seen.size() == 1);
  CHECK(seen[0].what == What::lost);
  CHECK(seen[0].proof == "its lease ended");
  CHECK_FALSE(r.next());
}

TEST_CASE("a beat begins the silence anew and ends suspicion, once", "[pool]") {
  auto r = roster();
  r.hello("a", {100});
  CHECK_FALSE(r.beat("a", {105}));
  CHECK(r.look({110.9}).empty());
  CHECK(r.look({111}).size() == 1);
  const auto back = r.beat("a", {112});
  REQUIRE(back);
  CHECK(back->what == What::ready);
  CHECK_FALSE(r.beat("a", {112.1}));
  CHECK(*r.next() == Time{118.1});
}

TEST_CASE("a look after a long sleep finds suspicion and loss at once, in that order", "[pool]") {
  auto r = roster();
  r.hello("a", {100});
  const auto seen = r.look({1000});
  REQUIRE(seen.size() == 2);
  CHECK(seen[0].what == What::suspect);
  CHECK(seen[1].what == What::lost);
}

TEST_CASE("a proof of death loses an agent at once and only once", "[pool]") {
  auto r = roster();
  r.hello("a", {100});
  const auto dead = r.gone("a", "killed", "its guard said so");
  REQUIRE(dead);
  CHECK(dead->what == What::lost);
  CHECK_FALSE(r.gone("a", "killed", "again"));
  CHECK_FALSE(r.beat("a", {101}));
  CHECK(r.look({1000}).empty());
}

TEST_CASE("an agent that says hello again was never away", "[pool]") {
  auto r = roster();
  CHECK(r.hello("a", {100}));
  r.look({110});
  CHECK_FALSE(r.hello("a", {111}));
  CHECK(r.look({116}).empty());
}
