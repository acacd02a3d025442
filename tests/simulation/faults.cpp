// SPDX-License-Identifier: Apache-2.0
// Many seeds, each with its own mix of faults, policies, workers and kills. TUNE_SEEDS=2000 for more than the default;
// TUNE_SEED=17 for one.
#include <catch2/catch.hpp>
#include <cstdlib>
#include <iostream>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

std::int64_t from_environment(const char* name, std::int64_t fallback) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : fallback;
}

const std::vector<std::pair<std::string, Params>>& schedulers_to_try() {
  static const std::vector<std::pair<std::string, Params>> all = {
      {"fifo", {}},
      {"median", {}},
      {"asha", {{"mode", std::string{"promote"}}, {"max_step", std::int64_t{20}}}},
      {"asha", {{"mode", std::string{"stop"}}, {"max_step", std::int64_t{20}}, {"brackets", std::int64_t{2}}}},
      {"asha", {{"mode", std::string{"promote"}}, {"eta", 2.0}}},
      {"asha", {{"mode", std::string{"promote"}}, {"eta", 2.0}, {"max_step", std::string{"auto"}}}},
      {"hyperband", {{"mode", std::string{"sync"}}, {"max_step", std::int64_t{9}}}},
      {"hyperband", {{"mode", std::string{"async"}}, {"max_step", std::int64_t{20}}, {"eta", 2.0}}},
  };
  return all;
}

World world_of(std::uint64_t seed) {
  Rng rng{seed, 0x5eed};
  const auto maybe = [&](double most) { return rng.below(2) ? rng.uniform() * most : 0.0; };
  Spec spec = simulated_spec(rng.below(2) ? mixed_space() : small_finite_space());
  spec.seed = seed;
  spec.stop.trials = 1 + static_cast<std::int64_t>(rng.below(40));
  spec.search = {std::string{samplers()[rng.below(samplers().size())].info.name}, {}};
  if (spec.search.type == "grid") spec.search.options.set("points", std::int64_t{3});
  if (!serves(spec)) spec.search = {"random", {}};
  const auto& [type, options] = schedulers_to_try()[rng.below(schedulers_to_try().size())];
  spec.scheduler = {type, options};
  // Where a lost attempt starts from the beginning, faults must leave it a chance to get to the end.
  if (rng.below(4)) spec.checkpoint->every = 1 + static_cast<std::int64_t>(rng.below(5));
  if (rng.below(4) == 0) spec.logical_order = true, spec.slots = 1 + static_cast<int>(rng.below(6));
  if (rng.below(2)) spec.retry.max = 2, spec.retry.on = {Cause::exit, Cause::silence};
  if (rng.below(3) == 0) spec.rules.push_back({"patience", {{"steps", 1 + static_cast<std::int64_t>(rng.below(6))}}});
  if (rng.below(3) == 0) spec.rules.push_back({"percentile", {{"percentile", 1 + 98 * rng.uniform()}}});
  if (rng.below(6) == 0) spec.rules.push_back({"threshold", {{"max", rng.uniform()}}});

  SimulatorOptions o;
  o.seed = seed;
  o.workers = 1 + static_cast<int>(rng.below(10));
  o.slots = 1 + static_cast<int>(rng.below(3));
  o.jitter = maybe(0.5), o.spread = maybe(2), o.start_seconds = maybe(3), o.noise = maybe(0.2);
  o.faults = {maybe(0.2), maybe(0.2), maybe(0.1), maybe(0.1), maybe(0.2), maybe(0.1), maybe(0.2), maybe(4)};
  o.silence_seconds = 10, o.repair_seconds = 5;
  return World{std::move(spec), o};
}

// The whole life of one seed, kills included. Empty: nothing was wrong.
std::string live(std::uint64_t seed) {
  World world = world_of(seed);
  Rng rng{seed, 0xdead};
  const auto kills = rng.below(4);
  Seq k = 0;
  for (std::uint64_t i = 0; i < kills; ++i)
    if (world.run(k += 1 + static_cast<Seq>(rng.below(200)))) return world.wrong();
  if (!world.run()) return "did not finish";
  return world.wrong();
}

}  // namespace

TEST_CASE("whatever fails, what must always hold holds", "[simulation]") {
  const auto one = from_environment("TUNE_SEED", 0);
  const auto first = one ? one : 1, last = one ? one : from_environment("TUNE_SEEDS", 200);
  for (auto seed = first; seed <= last; ++seed) {
    const auto wrong = live(static_cast<std::uint64_t>(seed));
    INFO("again with: TUNE_SEED=" << seed << " test_simulation 'whatever fails, what must always hold holds'");
    REQUIRE(wrong == "");
  }
}

TEST_CASE("the same seed fails and recovers in the same way", "[simulation]") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World a = world_of(seed), b = world_of(seed);
    a.run(100), b.run(100);
    a.run(), b.run();
    REQUIRE(a.store.records() == b.store.records());
  }
}

TEST_CASE("a store that says durable before it is turns this suite red", "[simulation]") {
  int red = 0;
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world = world_of(seed);
    world.store.lies = true;
    if (world.run(60)) continue;  // Over before the kill.
    world.run();
    red += !world.wrong().empty();
  }
  CHECK(red >= 10);
}
