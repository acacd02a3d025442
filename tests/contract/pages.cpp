// SPDX-License-Identifier: Apache-2.0
// Every entry of every table has its page, and the page knows every option.
#include <catch2/catch.hpp>
#include <fstream>
#include <sstream>

#include "executors/all.hpp"
#include "schedulers/all.hpp"
#include "search/all.hpp"

using namespace tune;

namespace {

void check_page(const std::string& shelf, const PolicyInfo& info) {
  const std::string path = "docs/" + shelf + "/" + std::string{info.name} + ".md";
  INFO(path);
  std::ifstream file(path);
  REQUIRE(file);
  std::ostringstream page;
  page << file.rdbuf();
  CHECK(page.str().starts_with("# " + std::string{info.name} + "\n"));
  for (const auto& option : info.options) {
    INFO("option " << option.name);
    CHECK(page.str().find("| `" + std::string{option.name} + "` |") != std::string::npos);
  }
}

}  // namespace

TEST_CASE("every sampler, scheduler and executor has a page that lists its options", "[contract][docs]") {
  for (const auto& e : samplers()) check_page("samplers", e.info);
  for (const auto& e : schedulers()) check_page("schedulers", e.info);
  for (const auto& e : executors()) check_page("executors", e.info);
}
