// SPDX-License-Identifier: Apache-2.0
#include "tuner/logical_order.hpp"

#include <catch2/catch.hpp>

using namespace tune;

namespace {

Record report(int trial, int step) {
  Reported r;
  r.trial = TrialId{trial};
  r.attempt = 1;
  r.step = step;
  return {1, {}, 1, Observation{r}};
}

Record end_of(int trial) {
  Exited e;
  e.trial = TrialId{trial};
  return {1, {}, 1, Observation{e}};
}

std::string taken(LogicalOrder& order) {
  std::string all;
  while (const auto event = order.take()) {
    if (const auto* r = event->record.as<Reported>()) {
      all += std::to_string(r->trial.value) + "@" + std::to_string(r->step) + " ";
    } else {
      const auto id = event->record.as<Exited>()->trial;
      all += std::to_string(id.value) + "! ";
      order.forget(id);
    }
  }
  return all;
}

}  // namespace

TEST_CASE("reports are handed on by step and trial, however they arrive", "[order]") {
  LogicalOrder order{2};
  order.enter(TrialId{0});
  order.enter(TrialId{1});
  order.reported(report(1, 1));
  order.reported(report(1, 2));
  CHECK(taken(order).empty());  // Trial 0 may still report step 1.
  order.reported(report(0, 1));
  CHECK(taken(order) == "0@1 1@1 ");
  order.reported(report(0, 3));
  CHECK(taken(order) == "1@2 0@3 ");  // Trial 1 may still report step 3, but at equal times trial 0 comes first.
  order.reported(report(1, 3));
  CHECK(taken(order) == "1@3 ");
}

TEST_CASE("a trial that ended holds nobody up", "[order]") {
  LogicalOrder order{2};
  order.enter(TrialId{0});
  order.enter(TrialId{1});
  order.reported(report(0, 1));
  order.ended(end_of(0));
  order.reported(report(1, 1));
  order.reported(report(1, 2));
  order.reported(report(1, 3));
  CHECK(taken(order) == "0@1 1@1 0! 1@2 1@3 ");
}

TEST_CASE("a trial that left keeps what it reported ahead until it enters again", "[order]") {
  LogicalOrder order{1};
  order.enter(TrialId{0});
  order.reported(report(0, 1));
  order.reported(report(0, 2));
  CHECK(order.take());
  order.leave(TrialId{0});
  CHECK(order.has_free_slot());
  CHECK_FALSE(order.take());
  order.enter(TrialId{0});
  CHECK_FALSE(order.is_hungry(TrialId{0}));
  CHECK(taken(order) == "0@2 ");
  CHECK(order.is_hungry(TrialId{0}));
}

TEST_CASE("a step that a later attempt reports again is not handed on twice", "[order]") {
  LogicalOrder order{1};
  order.enter(TrialId{0});
  order.reported(report(0, 1));
  CHECK(taken(order) == "0@1 ");
  order.reported(report(0, 1));
  order.reported(report(0, 2));
  CHECK(taken(order) == "0@2 ");
}
