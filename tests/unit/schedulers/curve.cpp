// SPDX-License-Identifier: Apache-2.0
#include "schedulers/curve.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "support/records.hpp"
#include "tuner/rng.hpp"

namespace curve_test {

using namespace tune;
using namespace tune::test;
using detail::CurveModel;
using detail::CurvePoints;

namespace {

enum class Family { pow3, exp3, ilog2, stretched };  // The model does not have the last one.

struct Truth {
  Family family;
  double end, drop, parameter;
};

double at(const Truth& c, double step, double horizon) {
  const auto g = [&](double t) {
    if (c.family == Family::pow3) return std::pow(t, -c.parameter);
    if (c.family == Family::exp3) return std::exp(-t / (c.parameter * horizon));
    if (c.family == Family::ilog2) return 1 / std::log(t + 1);
    return std::exp(-std::sqrt(t / (c.parameter * horizon)));
  };
  return c.end + c.drop * (g(step) - g(horizon)) / (g(1) - g(horizon));
}

Truth draw(Family family, Rng& rng) {
  Truth c{family, 0.1 + 0.5 * rng.uniform() * rng.uniform(), 1 + 0.25 * rng.normal(), 0};
  const double u = rng.uniform();
  if (family == Family::pow3) c.parameter = 0.2 + 1.5 * u;
  if (family == Family::exp3) c.parameter = 0.03 * std::pow(20, u);
  if (family == Family::stretched) c.parameter = 0.02 + 0.3 * u;
  return c;
}

/// Trials one after another, each stopped as the rule would; those that it stopped go on in another world.
struct Tally {
  int stopped = 0, wrongly = 0;        // Would have become the best one.
  int predicted = 0, covered = 0;      // By the 90 % interval, at a fifth of the steps.
  std::int64_t steps = 0, whole = 0;
};

void play(Family family, double noise, std::uint64_t seed, Tally& tally) {
  constexpr int kHorizon = 60, kTrials = 30;
  Rng rng{seed, Purpose::simulate, static_cast<std::int64_t>(family)};
  CurveModel model{kHorizon};
  for (int trial = 0; trial < kTrials; ++trial) {
    const Truth truth = draw(family, rng);
    std::vector<double> values;
    for (int step = 1; step <= kHorizon; ++step) values.push_back(at(truth, step, kHorizon) + noise * rng.normal());
    CurvePoints points;
    bool stops = false;
    for (int step = 1; step <= kHorizon && !stops; ++step, ++tally.steps) {
      const double value = values[static_cast<std::size_t>(step) - 1];
      points.add({step, value});
      if (step < 6 || step == kHorizon || model.learned() < 5) continue;
      const auto p = model.predict(points.all(), model.best());
      if (step == kHorizon / 5) ++tally.predicted, tally.covered += std::fabs(values.back() - p.mean) < 1.645 * p.deviation;
      stops = p.chance < 0.05 && value > model.best();
    }
    tally.whole += kHorizon;
    if (stops)
      ++tally.stopped, tally.wrongly += values.back() < model.best();
    else
      model.learn(points.all(), values.back());
  }
}

Stage stage(CurveOptions options, Spec spec = small_spec()) {
  spec.stop.trials = 1000;
  return Stage{std::move(spec), std::make_unique<Curve>(options)};
}

// Reports 1 / step + end, from step `from` to step `to`.
void train(Stage& s, TrialId t, int from, int to, double end) {
  for (int step = from; step <= to; ++step) s.report(t, step, end + 1.0 / step);
}

// Three trials that go to step 20 and end near 0.1.
Stage experienced(Spec spec = small_spec()) {
  auto s = stage({20, 0.05, 0.25, 4, 3}, std::move(spec));
  for (const double end : {0.05, 0.06, 0.08}) train(s, s.start(), 1, 20, end);
  return s;
}

}  // namespace

TEST_CASE("of what the curve rule stops at most the promised share would have become the best one", "[schedulers]") {
  for (const Family family : {Family::pow3, Family::exp3, Family::ilog2, Family::stretched})
    for (const double noise : {0.0, 0.02}) {
      Tally tally;
      for (std::uint64_t seed = 1; seed <= 24; ++seed) play(family, noise, seed, tally);
      INFO("family " << static_cast<int>(family) << ", noise " << noise << ": " << tally.wrongly << " of " << tally.stopped << " wrongly, "
                     << tally.covered << " of " << tally.predicted << " covered, " << tally.steps << " of " << tally.whole << " steps");
      CHECK(tally.wrongly <= 0.05 * tally.stopped);
      CHECK(tally.stopped > 100);
      CHECK(tally.steps < 0.9 * static_cast<double>(tally.whole));
      CHECK(tally.covered > 0.8 * tally.predicted);
    }
}

TEST_CASE("a curve without noise is predicted from its first fifth", "[schedulers]") {
  CurveModel model{100};
  Rng rng{1, Purpose::simulate, 0};
  const auto points_of = [](const Truth& truth, int steps) {
    CurvePoints points;
    for (int step = 1; step <= steps; ++step) points.add({step, at(truth, step, 100)});
    return points;
  };
  for (int i = 0; i < 10; ++i) {
    const Truth truth = draw(Family::pow3, rng);
    model.learn(points_of(truth, 100).all(), truth.end);
  }
  const Truth truth{Family::pow3, 0.3, 1, 0.7};
  const auto p = model.predict(points_of(truth, 20).all(), 0.25);
  CHECK(p.mean == Approx(0.3).margin(0.03));
  CHECK(p.deviation < 0.1);
  CHECK(model.predict(points_of(truth, 80).all(), 0.25).deviation < p.deviation);
}

TEST_CASE("a curve's points stay few, with the first and the newest among them", "[schedulers]") {
  CurvePoints points;
  for (int step = 1; step <= 1000; ++step) {
    points.add({step, -static_cast<double>(step)});
    const auto all = points.all();
    REQUIRE(all.size() == std::min<std::size_t>(CurveModel::kPoints, static_cast<std::size_t>(step)));
    REQUIRE(all.front().step == 1);
    REQUIRE(all.back().step == step);
    REQUIRE(std::is_sorted(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.step < b.step; }));
  }
  CHECK(points.count() == 1000);
}

TEST_CASE("the curve rule stops a trial that will hardly become the best, and says what it expects", "[schedulers]") {
  auto s = experienced();
  const auto hopeless = s.start(), promising = s.start();
  train(s, promising, 1, 8, 0.0);
  CHECK(s.verdict() == "");
  train(s, hopeless, 1, 8, 3.0);
  CHECK(s.verdict() == "Stop 3 stopped");
  CHECK(s.why.starts_with("at step 8 it is expected to end with 3.0"));
  CHECK(s.why.find(" to be better than 0.1") != std::string::npos);
}

TEST_CASE("the curve rule waits for its share of the steps, for reports, and for trials that went to their end", "[schedulers]") {
  auto s = experienced();
  const auto early = s.start(), sparse = s.start();
  train(s, early, 1, 4, 3.0);
  CHECK(s.verdict() == "");
  for (const int step : {5, 10, 15}) s.report(sparse, step, 3);
  CHECK(s.verdict() == "");
  s.report(sparse, 16, 3);
  CHECK(s.verdict() == "Stop 4 stopped");

  auto young = stage({20, 0.05, 0.25, 4, 3});
  for (const double end : {0.05, 0.06}) train(young, young.start(), 1, 20, end);
  train(young, young.start(), 1, 19, 9.0);
  CHECK(young.verdict() == "");
}

TEST_CASE("the curve rule learns from a trial that completes early, and never stops one that leads", "[schedulers]") {
  auto s = stage({20, 0.05, 0.25, 4, 3});
  for (const double end : {0.3, 0.4, 0.5}) {
    const auto t = s.start();
    train(s, t, 1, 10, end);
    s.exit(t, Cause::done);
  }
  const auto leading = s.start(), bad = s.start();
  for (int step = 1; step <= 12; ++step) s.report(leading, step, 0.2 + 0.01 * step);  // Ever worse, and still ahead.
  CHECK(s.verdict() == "");
  train(s, bad, 1, 8, 5);
  CHECK(s.verdict() == "Stop 4 stopped");
}

TEST_CASE("the curve rule leaves out what is not finite, and does not judge trials outside their constraints", "[schedulers]") {
  Spec spec = small_spec();
  spec.outcome_constraints = {{"loss", {}, 4.0}};
  auto s = experienced(std::move(spec));
  const auto odd = s.start();
  for (int step = 1; step <= 8; ++step) s.report(odd, step, step % 2 ? 3.0 : std::nan(""));
  CHECK(s.verdict() == "Stop 3 stopped");
  const auto outside = s.start();
  train(s, outside, 1, 19, 9);
  CHECK(s.verdict() == "");
}

TEST_CASE("where no trial ever gained anything, the curve rule has nothing to go by", "[schedulers]") {
  auto s = stage({20, 0.05, 0.1, 2, 2});
  for (int i = 0; i < 4; ++i) {
    const auto t = s.start();
    for (int step = 1; step <= 20; ++step) s.report(t, step, i < 3 ? 1.0 : 2.0);
  }
  CHECK(s.verdict() == "");
}

TEST_CASE("curve takes max_step from the scheduler that it stands beside, and needs one", "[schedulers]") {
  Spec spec = small_spec();
  const Params options = {{"chance", 0.05}, {"after", 0.1}, {"min_reports", std::int64_t{4}}, {"min_trials", std::int64_t{3}}};
  CHECK_FALSE(curve().make({spec, options}));
  spec.scheduler = {"asha", {{"max_step", std::int64_t{81}}}};
  CHECK(curve().make({spec, options}));
  spec.scheduler.options.set("max_step", std::string{"auto"});
  CHECK_FALSE(curve().make({spec, options}));
}

}  // namespace curve_test
