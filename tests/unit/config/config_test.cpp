// SPDX-License-Identifier: Apache-2.0
#include "tuner/config.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "unit/config/catalogue.hpp"
#include "unit/config/corpus.hpp"

using namespace tune;
using namespace tune::testing;
using nlohmann::json;

namespace {

std::string with(const std::string& more) {
  return R"({"params": {"lr": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss"}, "command": ["p", "${args}"], "stop": {"trials": 9})" +
         (more.empty() ? "" : ", " + more) + "}";
}

Spec spec(std::string_view text, std::vector<std::string> sets = {}) {
  auto r = read(text, std::move(sets));
  INFO(render_text(r.diagnostics));
  REQUIRE(r.spec);
  return std::move(*r.spec);
}

}  // namespace

TEST_CASE("every config of the good corpus is read without error", "[config][corpus]") {
  for (const auto& [name, text] : corpus("good")) {
    const auto r = read(text);
    INFO(name << "\n" << render_text(r.diagnostics));
    CHECK(r.spec);
  }
}

TEST_CASE("the effective config gives the same settings again, wherever it is read", "[config][corpus]") {
  for (const auto& [name, text] : corpus("good")) {
    const auto first = spec(text);
    INFO(name << "\n" << first.effective);
    const auto again = read_config(first.effective, {catalogue(), "elsewhere.json", "/tmp"});
    INFO(render_text(again.diagnostics));
    REQUIRE(again.spec);
    CHECK(again.spec->effective == first.effective);
    CHECK(again.spec->space.dimensions() == first.space.dimensions());
    CHECK(again.spec->points == first.points);
    CHECK(again.spec->search == first.search);
    CHECK(again.spec->scheduler == first.scheduler);
    CHECK(json::parse(first.effective).is_object());
  }
}

TEST_CASE("defaults are written out", "[config]") {
  const auto s = spec(with(""));
  CHECK(s.name == "net");
  CHECK(s.cwd == "/home/ada/net");
  CHECK(s.search.type == "sobol");
  CHECK(s.scheduler.type == "fifo");
  CHECK(s.executor.type == "process");
  const auto e = json::parse(s.effective);
  CHECK(e["search"] == json{{"type", "sobol"}, {"scramble", true}});
  CHECK(e["retry"] == json{{"max", 0}, {"backoff", "1s"}, {"on", {"signal", "oom"}}, {"memory_factor", 1}});
}
