// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/listing.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune;

namespace {
Listing two_rows() {
  Listing listing({{"name", true}, {"value"}});
  listing.add({"a", 1.5});
  listing.add({"long name", NAN});
  return listing;
}
}  // namespace

TEST_CASE("a listing aligns text to the left and numbers to the right", "[cli]") {
  CHECK(two_rows().text(0, false) == "NAME       VALUE\na            1.5\nlong name    nan\n");
}

TEST_CASE("a listing never gets wider than the terminal", "[cli]") {
  Listing listing({{"name", true}, {"value"}, {"text"}});
  listing.add({std::string(50, 'x'), 1.5, std::string(80, 'y')});
  const auto text = listing.text(60, false);
  for (std::size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string::npos; at = end + 1)
    CHECK(display_width(text.substr(at, end - at)) <= 60);
}

TEST_CASE("a listing as JSON and CSV has the exact values", "[cli]") {
  CHECK(two_rows().json_lines() == "{\"name\":\"a\",\"value\":1.5}\n{\"name\":\"long name\",\"value\":\"nan\"}\n");
  CHECK(two_rows().csv() == "name,value\na,1.5\nlong name,nan\n");
}

TEST_CASE("text that a spreadsheet would run is disarmed in CSV, numbers are left alone", "[cli]") {
  CHECK(csv_text("=1+1") == "'=1+1");
  CHECK(csv_text("a,\"b\"") == "\"a,\"\"b\"\"\"");
  CHECK(Shown(-1.5).csv == "-1.5");
}

TEST_CASE("what could steer a terminal is made visible in a listing", "[cli]") {
  CHECK(Shown("\x1b[2J").shown == "\\x1b[2J");
}
