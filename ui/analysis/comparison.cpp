// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/comparison.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tune {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kSignificant = 0.05;

using Side = std::vector<Course>;
using Values = std::vector<double>;

double least(std::span<const double> values) { return *std::min_element(values.begin(), values.end()); }
double middle(std::span<const double> values) { return median(Values(values.begin(), values.end())); }

double best_after(const Course& course, std::size_t trials) {
  double best = kInfinity;
  for (std::size_t t = 0; t < std::min(trials, course.trials.size()); ++t)
    best = std::min(best, course.trials[t].score);
  return best;
}

std::size_t shortest(const Side& side, std::size_t so_far) {
  for (const auto& course : side) so_far = std::min(so_far, course.trials.size());
  return so_far;
}

double worst_finite(const Side& side, double so_far) {
  for (const auto& course : side)
    for (const auto& trial : course.trials)
      if (std::isfinite(trial.score)) so_far = std::max(so_far, trial.score);
  return so_far;
}

/// What the evidence of a side is: its experiments' bests, or the trials of its only one.
Values evidence(const Side& side, std::size_t trials, bool of_trials, double worst) {
  Values out;
  if (of_trials)
    for (std::size_t t = 0; t < trials; ++t) out.push_back(std::min(side.front().trials[t].score, worst));
  else
    for (const auto& course : side) out.push_back(std::min(best_after(course, trials), worst));
  return out;
}

/// Trials and seconds until an experiment is as good as `target`; infinite if it never is.
std::pair<double, double> until(const Course& course, double target) {
  for (std::size_t t = 0; t < course.trials.size(); ++t)
    if (course.trials[t].score <= target) return {static_cast<double>(t + 1), course.trials[t].seconds};
  return {kInfinity, kInfinity};
}

std::pair<std::optional<double>, std::optional<double>> usual_until(const Side& side, double target) {
  Values trials, seconds;
  for (const auto& course : side) {
    const auto [n, s] = until(course, target);
    trials.push_back(n), seconds.push_back(s);
  }
  const auto usual = [](Values all) -> std::optional<double> {
    std::sort(all.begin(), all.end());
    const double upper = all[all.size() / 2];
    if (!std::isfinite(upper)) return std::nullopt;
    return median(std::move(all));
  };
  return {usual(trials), usual(seconds)};
}

}  // namespace

std::optional<Comparison> compare(const Side& a, const Side& b, Rng rng) {
  if (a.empty() || b.empty()) return std::nullopt;
  Comparison out;
  const auto n = shortest(b, shortest(a, SIZE_MAX));
  out.trials = static_cast<std::int64_t>(n);
  // A failure counts as the worst that any trial achieved: a difference of infinities would say nothing.
  const double worst = worst_finite(b, worst_finite(a, -kInfinity));
  const auto succeeded = [](const Side& side, std::size_t trials) {
    return std::any_of(side.begin(), side.end(), [&](const Course& c) { return std::isfinite(best_after(c, trials)); });
  };
  if (n == 0 || !succeeded(a, n) || !succeeded(b, n)) return std::nullopt;

  const bool of_trials = a.size() == 1 && b.size() == 1;
  const Statistic statistic = of_trials ? least : middle;
  std::size_t last = 0;
  for (const auto after : {n / 4, n / 2, n}) {
    if (after == last || !succeeded(a, after) || !succeeded(b, after)) continue;
    last = after;
    const auto of_a = evidence(a, after, of_trials, worst), of_b = evidence(b, after, of_trials, worst);
    out.best.push_back({static_cast<std::int64_t>(after),
                        {statistic(of_a), bootstrap(of_a, statistic, rng)},
                        {statistic(of_b), bootstrap(of_b, statistic, rng)},
                        bootstrap_difference(of_a, of_b, statistic, rng)});
  }

  const auto& end = out.best.back();
  out.target = std::max(end.a.value, end.b.value);
  std::tie(out.a_trials, out.a_seconds) = usual_until(a, out.target);
  std::tie(out.b_trials, out.b_seconds) = usual_until(b, out.target);

  const auto final_a = evidence(a, n, false, worst), final_b = evidence(b, n, false, worst);
  const auto ranked = rank_sum(final_a, final_b);
  out.superiority = ranked.first_less;
  bool different = end.difference.low > 0 || end.difference.high < 0;
  if (!of_trials) {
    out.p = ranked.p;
    different = ranked.p < kSignificant;
  }
  if (different) {
    const bool less = of_trials ? end.difference.high < 0 : ranked.first_less > 0.5;
    out.verdict = less ? Verdict::better : Verdict::worse;
  }
  return out;
}

}  // namespace tune
