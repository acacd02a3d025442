// SPDX-License-Identifier: Apache-2.0
#include "tuner/options.hpp"

#include <catch2/catch.hpp>

using namespace tune;

TEST_CASE("options are read by name, and the fallback stands for what was not given", "[options]") {
  const Params given{{"listen", std::string{"0.0.0.0:7741"}}, {"lease", std::string{"90s"}}, {"agents", std::int64_t{3}},
                     {"names", std::string{R"(["a.lab", "b.lab"])"}}};
  CHECK(text_option(given, "listen") == "0.0.0.0:7741");
  CHECK(text_option(given, "queue", "default") == "default");
  CHECK(number_option(given, "agents", 1) == 3);
  CHECK(number_option(given, "backlog", 4) == 4);
  CHECK(duration_option(given, "lease").seconds == 90);
  CHECK(duration_option(given, "idle", Duration{5}).seconds == 5);
  CHECK(list_option(given, "names") == std::vector<std::string>{"a.lab", "b.lab"});
  CHECK(list_option(given, "site_args").empty());
}
