// SPDX-License-Identifier: Apache-2.0
#include "ui/api/control.hpp"

#include <catch2/catch.hpp>

using namespace tune;

TEST_CASE("a wish reads back from its line", "[control]") {
  Requested cancel;
  cancel.by = "eve \"\x01\n", cancel.verb = "cancel", cancel.trial = TrialId{3};
  auto back = wish_from_json_line(to_json_line(Wish{cancel, {}, ""}));
  REQUIRE(back);
  REQUIRE(back->fact);
  CHECK(std::get<Requested>(*back->fact).trial == TrialId{3});
  CHECK(std::get<Requested>(*back->fact).by == cancel.by);

  back = wish_from_json_line(to_json_line(Wish{std::nullopt, {"stop.trials=5", "seed=1"}, "eve"}));
  REQUIRE(back);
  CHECK(!back->fact);
  CHECK(back->settings == std::vector<std::string>{"stop.trials=5", "seed=1"});
}

TEST_CASE("nothing but requests, notes and settings can be wished for", "[control]") {
  const char* line = GENERATE("", "{", "[]", "{\"kind\":\"Exited\",\"trial\":1}", "{\"kind\":\"Settle\",\"trial\":1}",
                              "{\"kind\":3}", "{\"kind\":\"Set\",\"settings\":5}", "\xff\xfe");
  CHECK(!wish_from_json_line(line));
}

TEST_CASE("nobody answers in a folder without an owner", "[control]") { CHECK(!ask_owner("/nonexistent", Wish{})); }
