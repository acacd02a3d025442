// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ui/analysis/statistics.hpp"

/// Two experiments, or two groups of them, held against each other. Pure.
namespace tune {

/// How one experiment went: its settled trials in the order in which they ended.
struct Course {
  struct Trial {
    double score = 0;    ///< Smaller is better; +infinity: it failed or broke a constraint.
    double seconds = 0;  ///< From the experiment's first proposal to the trial's end.
  };
  std::vector<Trial> trials;
};

/// A value of one side and its 95 % interval. Over experiments it is the median; of a single experiment the value
/// itself, with an interval from resampling its trials.
struct Estimate {
  double value = 0;
  Interval interval;
};

enum class Verdict : std::uint8_t { better, worse, not_distinguishable };

struct Comparison {
  std::int64_t trials = 0;  ///< Compared on: as many as the shortest experiment has.
  struct Best {
    std::int64_t after = 0;  ///< Trials.
    Estimate a, b;
    Interval difference;     ///< Of a - b.
  };
  std::vector<Best> best;    ///< After a quarter, a half and all of them; those where both sides have a success.
  /// What it takes to come as far as the side that ended worse. nullopt: half of its experiments or more do not get there.
  double target = 0;
  std::optional<double> a_trials, b_trials, a_seconds, b_seconds;

  Verdict verdict = Verdict::not_distinguishable;  ///< Of a against b, on the best after all trials.
  /// Two-sided, of the rank-sum test over experiments; nullopt with one experiment on each side: the verdict is then
  /// whether the interval of the difference excludes 0.
  std::optional<double> p;
  double superiority = 0.5;  ///< How often an experiment of a ends better than one of b; ties count half.
};

/// nullopt: an experiment has no trials, or a side has no success. `level` is that of the verdict: 0.05 for p, 95 %.
std::optional<Comparison> compare(const std::vector<Course>& a, const std::vector<Course>& b, Rng rng);

}  // namespace tune
