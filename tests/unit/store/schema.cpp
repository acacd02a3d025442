// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/schema.hpp"

#include <catch2/catch.hpp>
#include <fstream>

using namespace tune::sqlite;

TEST_CASE("docs/formats/store.md shows the schema word for word", "[store][docs]") {
  std::ifstream file("docs/formats/store.md");
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  CHECK(text.find(std::string{"```sql\n"} + kTables + "```") != std::string::npos);
  CHECK(text.find(std::string{"```sql\n"} + kViews + "```") != std::string::npos);
  CHECK(text.find("`PRAGMA application_id` is " + std::to_string(kApplicationId)) != std::string::npos);
  CHECK(text.find("`PRAGMA user_version` is " + std::to_string(kVersion)) != std::string::npos);
}
