// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec with(Spec spec, std::string sampler, std::string scheduler, Params options = {}) {
  spec.search = {std::move(sampler), {}};
  spec.scheduler = {std::move(scheduler), std::move(options)};
  return spec;
}

}  // namespace

TEST_CASE("an experiment of twenty trials ends with twenty complete trials", "[simulation]") {
  World world{with(simulated_spec(mixed_space()), "random", "fifo"), {}};
  REQUIRE(world.run());
  CHECK(world.wrong() == "");
  CHECK(world.store.records().size() > 20 * 27);
  CHECK(world.outcome.exit_code == 0);
}

TEST_CASE("the same seed makes the same journal", "[simulation]") {
  World a{with(simulated_spec(mixed_space()), "random", "asha", {{"max_step", std::int64_t{27}}}), {}};
  World b{with(simulated_spec(mixed_space()), "random", "asha", {{"max_step", std::int64_t{27}}}), {}};
  REQUIRE(a.run());
  REQUIRE(b.run());
  CHECK(a.wrong() == "");
  CHECK(a.store.records() == b.store.records());
}

TEST_CASE("whatever record the process is killed after, no trial is lost, doubled or started twice", "[simulation]") {
  Spec spec = with(simulated_spec(mixed_space()), "random", "asha", {{"max_step", std::int64_t{9}}});
  spec.stop.trials = 9;
  World whole{spec, {}};
  REQUIRE(whole.run());
  const auto records = whole.store.records().size();
  for (Seq k = 1; k < static_cast<Seq>(records); ++k) {
    World world{spec, {}};
    INFO("killed after record " << k);
    REQUIRE_FALSE(world.run(k));
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
    REQUIRE(world.table().find("queued") == std::string::npos);
  }
}

TEST_CASE("killed every forty records, an experiment still comes to its end", "[simulation]") {
  for (const std::string scheduler : {"fifo", "asha"}) {
    Spec spec = with(simulated_spec(mixed_space()), "random", scheduler);
    spec.checkpoint->every = 1;
    World world{spec, {}};
    Seq k = 0;
    int lives = 0;
    while (!world.run(k += 40)) REQUIRE(++lives < 500);
    CHECK(lives > 5);
    CHECK(world.wrong() == "");
  }
}

TEST_CASE("replicates survive a kill after any record", "[simulation][repeats]") {
  Spec spec = with(simulated_spec(mixed_space()), "random", "asha", {{"max_step", std::int64_t{9}}});
  spec.stop.trials = 30;
  spec.replicates.count = 3;
  World whole{spec, {}};
  REQUIRE(whole.run());
  CHECK(whole.wrong() == "");
  const auto records = whole.store.records();
  const auto repeats = std::count_if(records.begin(), records.end(), [](const Record& r) { return r.as<Propose>() && r.as<Propose>()->replicate_of; });
  CHECK(repeats >= 2);
  for (Seq k = 1; k < static_cast<Seq>(records.size()); k += 3) {
    World world{spec, {}};
    INFO("killed after record " << k);
    REQUIRE_FALSE(world.run(k));
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
  }
}
