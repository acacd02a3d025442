// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

Spec with_copies(bool speculate = true) {
  Spec spec = simulated_spec(mixed_space());
  spec.executor = {"simulator", {{"speculate", speculate}}};
  return spec;
}

/// Workers of which the slowest takes some twenty times as long as the fastest.
SimulatorOptions uneven(std::uint64_t seed) {
  SimulatorOptions o;
  o.workers = 6, o.seed = seed, o.spread = 4, o.jitter = 0.2;
  return o;
}

double duration(World& world) {
  REQUIRE(world.run());
  CHECK(world.wrong() == "");
  const auto records = world.store.records();
  return (records.back().at - records.front().at).seconds;
}

template <class F>
int count(const World& world) {
  int n = 0;
  for (const auto& r : world.store.records()) n += r.as<F>() != nullptr;
  return n;
}

/// By their copies.
int overtaken(const World& world) {
  int n = 0;
  for (const auto& r : world.store.records())
    if (const auto* e = r.as<Exited>()) n += e->cause == Cause::overtaken;
  return n;
}

}  // namespace

TEST_CASE("on uneven machines copies bring the end forward, and the same results", "[simulation][copies]") {
  double with = 0, without = 0;
  int first = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    World copies{with_copies(), uneven(seed)}, none{with_copies(false), uneven(seed)};
    with += duration(copies), without += duration(none);
    first += overtaken(copies);
    REQUIRE(count<Speculate>(none) == 0);
    REQUIRE(copies.outcome.exit_code == 0);
  }
  INFO("with copies " << with << " s, without " << without << " s; " << first << " copies were first");
  CHECK(first > 5);
  CHECK(with < 0.9 * without);
}

TEST_CASE("experiments with copies survive kills, lost workers and every other fault", "[simulation][copies]") {
  int copies = 0, first = 0;
  for (std::uint64_t seed = 0; seed < 40; ++seed) {
    auto options = uneven(seed);
    options.faults.crash = options.faults.lost = options.faults.late = options.faults.hang = options.faults.preempt = 0.03;
    options.faults.worker_loss = 20;
    Spec spec = with_copies();
    spec.seed = seed;
    spec.checkpoint->every = 3;
    World world{spec, options};
    Seq k = 0;
    int lives = 0;
    INFO("seed " << seed);
    while (!world.run(k += 150)) REQUIRE(++lives < 500);
    REQUIRE(world.wrong() == "");
    REQUIRE(world.table().find("queued") == std::string::npos);
    REQUIRE(world.table().find("running") == std::string::npos);
    copies += count<Speculate>(world), first += overtaken(world);
  }
  CHECK((copies > 40 && first > 10));
}

TEST_CASE("a run with copies replays bit for bit", "[simulation][copies]") {
  World one{with_copies(), uneven(3)}, other{with_copies(), uneven(3)};
  REQUIRE((one.run() && other.run()));
  CHECK(count<Speculate>(one) > 0);
  CHECK(one.store.records() == other.store.records());
}
