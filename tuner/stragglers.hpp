// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <optional>

#include "tuner/registry.hpp"
#include "tuner/result.hpp"
#include "tuner/time.hpp"

namespace tune {

/// Says when an attempt runs so far behind the others that a copy of it, begun then on another machine, should be the first to finish
/// (`executor.speculate`). What counts is not for how long it has run but for how long it will, as in LATE (Zaharia et al., "Improving
/// MapReduce Performance in Heterogeneous Environments", OSDI 2008): a trial that is simply long has a pace like the others'.
///
/// Of attempts that came to their end it knows the pace (seconds a step) and where they ended, and takes the median of the newest
/// kRemembered. Pure; a few microseconds a question.
class Stragglers {
 public:
  static constexpr std::size_t kEnough = 5, kRemembered = 101;

  /// An attempt ended by itself: it took so long, from its start, for these steps, and came to `last_step`.
  void ended(Duration took, std::int64_t steps, std::int64_t last_step);

  /// An attempt that runs.
  struct Course {
    Time started;
    std::int64_t from_step = 0;   ///< Where it began.
    std::int64_t last_step = 0;   ///< Where it is.
    std::int64_t copy_from = 0;   ///< Where a copy would begin: its newest checkpoint.
  };
  /// From then on a copy is worth it, unless it comes to another step: at half the time that trials take from beginning to end at the
  /// earliest, and once what is left would take twice as long as a copy takes for all that it has to do. nullopt: fewer than kEnough
  /// have ended. A course without a step is expected to take as long again as it has taken.
  std::optional<Time> due(const Course&) const;

 private:
  struct Ended {
    double pace;
    std::int64_t last_step;
  };
  std::deque<Ended> ended_;
};

struct Spec;

/// `speculate`, of executors with several workers.
Option speculate_option();
bool speculates(const Spec&);
/// invalid: it is asked for, with trials that get no copies: of several ranks, an instance at a time, or in logical order.
Result<Done> check_speculation(const Spec&);

}  // namespace tune
