// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/events.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;

TEST_CASE("the seconds of a trial that finished are those of all its attempts, without what lay between them", "[cli]") {
  test::Rig rig{test::small_spec(), 1};
  rig.decide();
  rig.starts(0), rig.report(0, 1, 0.5);
  rig.pass(10);
  rig.decided(Pause{{0}, 1, {}});
  rig.exits(0, Cause::paused);
  rig.pass(100);
  rig.decided(Launch{{0}, 2, Form::restart, {Seat{{0}, 1, 0, {}, 1, {}}}, kNoStep, {}, {}, {}, false});
  rig.starts(0, 2);
  rig.pass(5);
  rig.exits(0, Cause::done, 2);
  rig.decide();
  const auto settled = std::find_if(rig.journal.begin(), rig.journal.end(), [](const Record& record) { return record.as<Settle>() != nullptr; });
  REQUIRE(settled != rig.journal.end());
  CHECK_THAT(event_of(*settled, rig.experiment->history(), false), Catch::Contains(R"("attempt":2)") && Catch::Contains(R"("seconds":15})"));
}
