// SPDX-License-Identifier: Apache-2.0
// Does the curve rule keep its promise? usage: bench_learning_curves [EXPERIMENTS [STEPS]]
//
// Simulated experiments of 40 trials, one after another, whose curves are drawn from one family, with noise of 0 and 2 % of the
// typical drop. Printed are, of the trials that the rule stops, the share that would have become the best one, had it gone on; of
// all steps the share that was done; in how many experiments the best trial of all was stopped; and the model's time a report.
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <functional>

#include "schedulers/curve.hpp"
#include "tuner/rng.hpp"

using namespace tune;

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kTrials = 40;

/// A family: falls with x, the share of the horizon; t is the step. The parameter is drawn from a number in [0, 1).
struct Family {
  const char* name;
  double (*parameter)(double u);
  double (*g)(double t, double x, double parameter);
};
constexpr Family kFamilies[] = {
    {"pow3", [](double u) { return 0.2 + 1.5 * u; }, [](double t, double, double a) { return std::pow(t, -a); }},
    {"exp3", [](double u) { return 0.03 * std::pow(20, u); }, [](double, double x, double c) { return std::exp(-x / c); }},
    {"ilog2", [](double) { return 0.0; }, [](double t, double, double) { return 1 / std::log(t + 1); }},
    {"hill", [](double u) { return 0.1 + 0.6 * u; }, [](double, double x, double c) { return 1 / (1 + std::pow(x / c, 3)); }},
    {"exp(-sqrt)", [](double u) { return 0.02 + 0.3 * u; }, [](double, double x, double c) { return std::exp(-std::sqrt(x / c)); }},
    {"linear", [](double) { return 0.0; }, [](double, double x, double) { return 1 - x; }},
    {"logistic", [](double u) { return 0.1 + 0.5 * u; }, [](double, double x, double c) { return 1 / (1 + std::exp(12 * (x - c))); }}};

struct Tally {
  long stopped = 0, wrongly = 0, best_stopped = 0, steps = 0, whole = 0, fits = 0;
  double microseconds = 0;
};

std::vector<double> draw(const Family& family, int horizon, double noise, Rng& rng) {
  const double end = 0.1 + 0.5 * rng.uniform() * rng.uniform(), drop = 1 + 0.25 * rng.normal();
  const double parameter = family.parameter(rng.uniform());
  const auto g = [&](int t) { return family.g(t, static_cast<double>(t) / horizon, parameter); };
  std::vector<double> values;
  for (int t = 1; t <= horizon; ++t) values.push_back(end + drop * (g(t) - g(horizon)) / (g(1) - g(horizon)) + noise * rng.normal());
  return values;
}

// With the rule's defaults.
void experiment(const std::vector<Family>& families, int horizon, double noise, Rng rng, Tally& tally) {
  const CurveOptions options;
  detail::CurveModel model{horizon};
  double best = INFINITY;
  bool best_stopped = false;
  for (int trial = 0; trial < kTrials; ++trial) {
    const auto values = draw(families[rng.below(families.size())], horizon, noise, rng);
    detail::CurvePoints points;
    bool stops = false;
    for (int t = 1; t <= horizon && !stops; ++t, ++tally.steps) {
      const double value = values[static_cast<std::size_t>(t) - 1];
      points.add({t, value});
      const bool early = t < options.after * horizon || points.count() < options.min_reports || model.learned() < options.min_trials;
      if (early || t == horizon || value < model.best()) continue;
      const auto began = Clock::now();
      stops = model.predict(points.all(), model.best()).chance < options.chance;
      tally.microseconds += std::chrono::duration<double, std::micro>(Clock::now() - began).count();
      ++tally.fits;
    }
    tally.whole += horizon;
    if (values.back() < best) best = values.back(), best_stopped = stops;
    if (stops)
      ++tally.stopped, tally.wrongly += values.back() < model.best();
    else
      model.learn(points.all(), values.back());
  }
  tally.best_stopped += best_stopped;
}

}  // namespace

int main(int argc, char** argv) {
  const int experiments = argc > 1 ? std::atoi(argv[1]) : 60, horizon = argc > 2 ? std::atoi(argv[2]) : 100;
  const auto show = [&](const char* name, const std::vector<Family>& families) {
    for (const double noise : {0.0, 0.02}) {
      Tally tally;
      for (int e = 0; e < experiments; ++e) experiment(families, horizon, noise, Rng{1, Purpose::simulate, e}, tally);
      const auto percent = [](long part, long whole) { return whole ? 100.0 * static_cast<double>(part) / static_cast<double>(whole) : 0.0; };
      std::printf("%-11s noise %.2f: %ld stopped, %.1f %% of them wrongly; %.0f %% of the steps; the best one in %.0f %%; %.1f us a fit\n", name,
                  noise, tally.stopped, percent(tally.wrongly, tally.stopped), percent(tally.steps, tally.whole),
                  percent(tally.best_stopped, experiments), tally.microseconds / static_cast<double>(tally.fits));
    }
  };
  show("mixed", {std::begin(kFamilies), std::begin(kFamilies) + 3});
  for (const auto& family : kFamilies) show(family.name, {family});
}
