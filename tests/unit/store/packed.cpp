// SPDX-License-Identifier: Apache-2.0
#include "store/packed.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstdint>

#include "support/every_fact.hpp"
#include "tuner/facts_json.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Record there_and_back(const Record& record) {
  std::string bytes;
  detail::pack(record, bytes);
  std::string_view rest = bytes;
  const Record again = detail::unpack(rest);
  CHECK(rest.empty());
  return again;
}

}  // namespace

TEST_CASE("every kind of fact unpacks as what was packed, one after the other", "[store][packed]") {
  std::string bytes;
  for (const auto& record : every_fact()) detail::pack(record, bytes);
  std::string_view rest = bytes;
  for (const auto& record : every_fact()) CHECK(to_json_line(detail::unpack(rest)) == to_json_line(record));
  CHECK(rest.empty());
}

TEST_CASE("packed numbers keep every bit", "[store][packed]") {
  Reported report{{INT64_MAX}, INT32_MIN, INT64_MIN, -1, {{"a", -0.0}, {"b", std::nan("7")}}, {}, {}, false};
  const Record again = there_and_back({1, {1e9 + 1e-7}, 1, report});
  REQUIRE(again.as<Reported>());
  CHECK(*again.as<Reported>() == report);
  CHECK(again.at.seconds == 1e9 + 1e-7);
  CHECK(std::signbit(again.as<Reported>()->metrics.values[0]));
}

TEST_CASE("packed text may hold anything, and JSON text stays as it was written", "[store][packed]") {
  const Warned warned{std::string("\0\xff\n", 3), std::string(1000, 'x'), ""};
  CHECK(*there_and_back({1, {}, 1, warned}).as<Warned>() == warned);
  const Decided odd{Extend{}, {0, "", "", "{ \"spaced\" :\n1"}};
  CHECK(*there_and_back({1, {}, 1, odd}).decided() == odd);
}

TEST_CASE("a packed report takes less than half of its line", "[store][packed]") {
  const Record report{1'234'567, {1.7e9}, 1, Reported{{123'456}, 1, 3, 3, {{"loss", 0.123456789}}, {}, {}, false}};
  std::string bytes;
  detail::pack(report, bytes);
  CHECK(2 * bytes.size() < to_json_line(report).size());
}
