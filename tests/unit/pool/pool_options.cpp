// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_options.hpp"

#include <catch2/catch.hpp>

using namespace tune;

namespace {

std::string complaint(const std::string& type, Params options) {
  Spec spec;
  spec.executor = {type, std::move(options)};
  const auto checked = check_pool(spec);
  return checked ? "" : checked.error().message;
}

Params text(const std::string& name, const std::string& value) { return {{name, value}}; }

}  // namespace

TEST_CASE("options by which a pool could never start are refused by their names, before it is started", "[pool]") {
  CHECK(complaint("pool", {}).empty());
  CHECK(complaint("pool", text("listen", "0.0.0.0:7741")).empty());
  CHECK(complaint("pool", text("listen", "[::1]:0")).empty());
  CHECK_THAT(complaint("pool", text("listen", "node1.lab:7741")), Catch::StartsWith("executor.listen: ") && Catch::Contains("that is a name"));
  CHECK_THAT(complaint("pool", text("listen", "7741")), Catch::StartsWith("executor.listen: "));
  CHECK_THAT(complaint("pool", text("names", R"(["two words"])")), Catch::StartsWith("executor.names: "));
  CHECK(complaint("kubernetes", {}) == "executor.image is not given: a container image with tune in it");
  CHECK(complaint("kubernetes", text("image", "lab/tune:1")).empty());
  CHECK(complaint("command", {}) == "executor.submit is not given: a list of words, the program first");
  CHECK(complaint("command", text("submit", R"(["qsub", 5])")) == "executor.submit: a list of texts");
  CHECK(complaint("slurm", {{"max_agents", std::int64_t{1}}, {"agents_each", std::int64_t{2}}}) == "max_agents is 1, and an allocation has 2 agents");
}
