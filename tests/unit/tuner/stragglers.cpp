// SPDX-License-Identifier: Apache-2.0
#include "tuner/stragglers.hpp"

#include <catch2/catch.hpp>

#include "tuner/spec.hpp"

using namespace tune;

namespace {

/// Five trials of 10 steps, a second each.
Stragglers after_five() {
  Stragglers s;
  for (int i = 0; i < 5; ++i) s.ended(Duration{10}, 10, 10);
  return s;
}

}  // namespace

TEST_CASE("what is left at its own pace is weighed against all that a copy has to do", "[stragglers]") {
  const auto s = after_five();
  // No step: it is expected to take as long again as it has taken, and a copy takes 10 s.
  CHECK(s.due({Time{100}, 0, 0, 0}) == Time{120});
  // Two steps in e seconds leave eight, 4 e; that is twice the copy's 10 s at e = 5.
  CHECK(s.due({Time{100}, 0, 2, 0}) == Time{105});
  // A copy that begins at step 5 has half as much to do, and yet half of a trial's time has to pass.
  CHECK(s.due({Time{100}, 0, 5, 5}) == Time{110});
  CHECK(s.due({Time{100}, 0, 1, 1}) == Time{105});
  // One that has done more steps than the others is thought to be at its last one.
  CHECK(s.due({Time{100}, 0, 20, 0}) == Time{100 + 2 * 21 * 20});
}

TEST_CASE("no attempt is slow before five have shown what is usual", "[stragglers]") {
  Stragglers s;
  for (int i = 0; i < 4; ++i) s.ended(Duration{10}, 10, 10);
  CHECK_FALSE(s.due({Time{0}, 0, 0, 0}));
  s.ended(Duration{1}, 0, 10);  // One without a step says nothing.
  CHECK_FALSE(s.due({Time{0}, 0, 0, 0}));
}

TEST_CASE("a few attempts that took very long do not change what is usual", "[stragglers]") {
  auto s = after_five();
  for (int i = 0; i < 4; ++i) s.ended(Duration{5000}, 10, 10);
  CHECK(s.due({Time{100}, 0, 0, 0}) == Time{120});
}

TEST_CASE("speculate is refused where trials get no copies, and the message says which those are", "[stragglers]") {
  Spec spec;
  spec.gang.ranks = 2;
  CHECK(check_speculation(spec));
  spec.executor.options = {{"speculate", true}};
  REQUIRE_FALSE(check_speculation(spec));
  CHECK(check_speculation(spec).error().message == "executor.speculate: trials of several ranks get no copies");
  spec.gang.ranks = 1;
  CHECK(check_speculation(spec));
  spec.logical_order = true;
  CHECK_FALSE(check_speculation(spec));
}
