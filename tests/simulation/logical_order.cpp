// SPDX-License-Identifier: Apache-2.0
// "order": "logical" promises the same table of trials however many workers there are, whatever breaks meanwhile.
#include <catch2/catch.hpp>
#include <set>
#include <string_view>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

bool halves(std::string_view scheduler) { return scheduler == "asha" || scheduler == "hyperband"; }

Spec ordered(const std::string& sampler, const std::string& scheduler, Params options) {
  Spec spec = simulated_spec(mixed_space());
  spec.logical_order = true;
  spec.slots = 4;
  spec.stop.trials = 15;
  spec.checkpoint->every = 2;
  spec.search = {sampler, {}};
  if (sampler == "grid") spec.search.options.set("points", std::int64_t{3});
  spec.scheduler = {scheduler, std::move(options)};
  return spec;
}

std::string table(const Spec& spec, int workers, std::vector<Seq> kills) {
  SimulatorOptions options;
  options.workers = workers;
  options.jitter = 0.5;
  options.spread = 1;
  options.seed = static_cast<std::uint64_t>(workers);
  World world{spec, options};
  for (const Seq k : kills)
    if (world.run(k)) return world.table();
  REQUIRE(world.run());
  REQUIRE(world.wrong() == "");
  return world.table();
}

}  // namespace

TEST_CASE("in logical order the table of trials does not depend on workers or kills", "[simulation]") {
  std::set<std::string_view> served;
  for (const auto& sampler : samplers())
    for (const auto& scheduler : schedulers()) {
      Params options;
      if (halves(scheduler.info.name)) options.set("max_step", std::int64_t{9});
      if (scheduler.info.name == "threshold") options.set("max", 1.0);
      if (scheduler.info.name == "curve") options.set("max_step", std::int64_t{20});
      const Spec spec = ordered(std::string{sampler.info.name}, std::string{scheduler.info.name}, options);
      if (!serves(spec)) continue;
      served.insert(scheduler.info.name);
      INFO(sampler.info.name << " with " << scheduler.info.name);
      const auto one = table(spec, 1, {});
      CHECK(table(spec, 2, {50}) == one);
      CHECK(table(spec, 8, {37, 120, 200}) == one);
    }
  // Those that clone from checkpoints refuse the logical order.
  CHECK(served == std::set<std::string_view>{"asha", "curve", "fifo", "hyperband", "median", "patience", "percentile", "racing", "threshold"});
}

TEST_CASE("replicates keep the logical order", "[simulation]") {
  for (const std::string scheduler : {"fifo", "asha", "hyperband"}) {
    Params options;
    if (halves(scheduler)) options.set("max_step", std::int64_t{9});
    Spec spec = ordered("sobol", scheduler, options);
    spec.replicates.count = 3;
    INFO(scheduler);
    const auto one = table(spec, 1, {});
    CHECK(table(spec, 2, {50}) == one);
    CHECK(table(spec, 8, {37, 120, 200}) == one);
  }
}
