// SPDX-License-Identifier: Apache-2.0
#include "tuner/checkpoint_ledger.hpp"

#include <catch2/catch.hpp>

using namespace tune;
using Names = std::vector<std::string>;

namespace {
const TrialId a{0}, b{1};
}

TEST_CASE("the newest checkpoints of a trial are kept, older ones are surplus", "[checkpoints]") {
  CheckpointLedger ledger{2, false};
  for (const auto& [name, step] : {std::pair{"a1", 1}, {"a2", 2}, {"a3", 3}}) ledger.saved(a, {name, step});
  CHECK(ledger.take_surplus() == Names{"a1"});
  CHECK(ledger.newest(a)->name == "a3");
}

TEST_CASE("the checkpoint with the best value is kept although it is old", "[checkpoints]") {
  CheckpointLedger ledger{1, true};
  const double scores[] = {0.5, 0.2, 0.3, 0.4};
  for (int step = 1; step <= 4; ++step) {
    ledger.reported(a, step, scores[step - 1]);
    ledger.saved(a, {"a" + std::to_string(step), step});
  }
  CHECK(ledger.take_surplus() == Names{"a1", "a3"});
}

TEST_CASE("a checkpoint is worth the value that was reported last at its step", "[checkpoints]") {
  CheckpointLedger ledger{1, true};
  ledger.reported(a, 1, 0.1);
  ledger.reported(a, 2, 0.9);  // Before the checkpoint of step 1 was safe.
  ledger.saved(a, {"a1", 1});
  ledger.saved(a, {"a2", 2});
  ledger.reported(a, 3, 0.5);
  ledger.saved(a, {"a3", 3});
  CHECK(ledger.take_surplus() == Names{"a2"});
}

TEST_CASE("a clone holds its donor's checkpoint until it has saved one itself", "[checkpoints]") {
  CheckpointLedger ledger{1, false};
  ledger.saved(a, {"a1", 1});
  ledger.use(a, "a1");
  ledger.use(b, "a1");
  ledger.saved(a, {"a2", 2});
  ledger.use(a, "a2");
  CHECK(ledger.take_surplus().empty());
  ledger.saved(b, {"b2", 2});
  ledger.use(b, "b2");
  CHECK(ledger.take_surplus() == Names{"a1"});
}

TEST_CASE("a clone that is over lets its donor's checkpoint go", "[checkpoints]") {
  CheckpointLedger ledger{1, false};
  ledger.saved(a, {"a1", 1});
  ledger.use(b, "a1");
  ledger.saved(a, {"a2", 2});
  ledger.release(b);
  CHECK(ledger.take_surplus() == Names{"a1"});
}

TEST_CASE("who would have gone on from a lost checkpoint is told, and falls back to its own", "[checkpoints]") {
  CheckpointLedger ledger{2, false};
  ledger.saved(a, {"a1", 1});
  ledger.saved(a, {"a2", 2});
  ledger.use(a, "a2");
  ledger.use(b, "a2");
  CHECK(ledger.lost("a2") == std::vector{a, b});
  CHECK(ledger.newest(a)->name == "a1");
  CHECK_FALSE(ledger.newest(b));
  CHECK(ledger.take_surplus().empty());
}

TEST_CASE("a checkpoint that is being deleted is never used again", "[checkpoints]") {
  CheckpointLedger ledger{1, false};
  ledger.saved(a, {"a1", 1});
  ledger.collecting("a1");
  CHECK_FALSE(ledger.saved(a, {"a1", 1}));
  CHECK_FALSE(ledger.newest(a));
  ledger.collected("a1");
  CHECK(ledger.going().empty());
}
