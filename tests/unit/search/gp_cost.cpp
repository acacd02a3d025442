// SPDX-License-Identifier: Apache-2.0
// gp that is aware of what trials cost.
#include <catch2/catch.hpp>
#include <cmath>

#include "unit/search/gp_lab.hpp"

namespace gp_cost_test {

using namespace tune;
using namespace tune::test;

namespace {

Space dear_space() { return Space::make({real("u"), real("v"), real("w"), real("y")}).value(); }
// Costs a hundred times as much at y = 1 as at y = 0, like more data or a larger model, and is worth little more at y = 0.6.
double cost_of(const Params& p) { return std::exp(4.6 * number(p, "y")); }
double dear(const Params& p) {
  double sum = 0.02 * std::pow(number(p, "y") - 0.6, 2);
  for (const char* name : {"u", "v", "w"}) {
    const double x = number(p, name) - 0.3;
    sum += x * x + 0.02 * (1 - std::cos(20 * x));
  }
  return sum;
}

/// What it costs until a trial is as good as 0.03; twice all that was spent if none is within the budget.
double cost_to_find(std::uint64_t seed, bool aware) {
  constexpr int kTrials = 60;
  const Space space = dear_space();
  Lab lab{space};
  lab.context.trials = kTrials, lab.context.seed = seed;
  if (aware) lab.context.options.set("cost_aware", true);
  lab.restart();
  double cost = 0;
  for (int k = 0; k < kTrials; ++k) {
    const auto p = lab.sampler->propose({lab.next}, Rng{seed, Purpose::propose, lab.next}).value();
    Propose what;
    what.trial = {lab.next++}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
    lab.learn(Decided{what, {0, "gp", p.why, p.note}});
    Exited over;
    over.trial = what.trial, over.attempt = 1, over.usage.seconds = cost_of(p.params);
    lab.learn(Observation{over});
    lab.finish(what.trial.value, {{"loss", dear(p.params)}});
    cost += cost_of(p.params);
    if (dear(p.params) < 0.03) return cost;
  }
  return 2 * cost;
}

}  // namespace

TEST_CASE("gp that is aware of cost finds as much for less", "[gp]") {
  double ratio = 0;  // Mean logarithm.
  constexpr int kSeeds = 10;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const double plain = cost_to_find(seed, false), aware = cost_to_find(seed, true);
    UNSCOPED_INFO("seed " << seed << ": " << plain << " against " << aware);
    ratio += std::log(aware / plain) / kSeeds;
  }
  CHECK(std::exp(ratio) < 0.7);
}

TEST_CASE("what a trial costs is what its attempts report, else their seconds", "[gp]") {
  const Space space = plane();
  const Axes axes{space};
  Trials trials{axes, {Objective{"loss"}}, {}};
  const auto learn = [&](std::variant<Observation, Decided> fact) { trials.learn({1, {}, 1, std::move(fact)}); };
  for (std::int64_t t = 0; t < 2; ++t) {
    Propose p;
    p.trial = {t}, p.params = Params{{"x", 0.5}, {"y", 0.5}};
    learn(Decided{p, {}});
  }
  Reported r;
  r.trial = {1}, r.metrics = {{"loss", 1.0}};
  for (r.attempt = 1; r.attempt < 3; ++r.attempt)
    for (const double so_far : {0.5, 1.25}) r.cost = so_far, learn(Observation{r});
  for (std::int64_t t = 0; t < 2; ++t)
    for (int attempt = 1; attempt < 3; ++attempt) {
      Exited e;
      e.trial = {t}, e.attempt = attempt, e.usage.seconds = 10;
      learn(Observation{e});
    }
  CHECK(trials.find({0})->cost() == 20);
  CHECK(trials.find({1})->cost() == 2.5);
}

TEST_CASE("gp cannot be aware of cost without a budget over which that fades", "[gp]") {
  const Space space = plane();
  SamplerContext c{space, {Objective{"loss"}}, 1, Params{{"cost_aware", true}}};
  CHECK_FALSE(gp_sampler().make(c));
  c.trials = 10;
  CHECK(gp_sampler().make(c));
}

}  // namespace gp_cost_test
