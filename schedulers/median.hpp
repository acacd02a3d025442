// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <functional>
#include <limits>
#include <map>
#include <queue>
#include <vector>

#include "tuner/scheduler.hpp"

namespace tune {

struct MedianOptions {
  std::int64_t min_step = 1;    ///< No trial is stopped before this step.
  std::int64_t min_trials = 5;  ///< Nor before so many others have reported at the step.
  std::int64_t every = 1;       ///< Looks at every so many steps.
};

/// The median stopping rule (Golovin et al., "Google Vizier", KDD 2017, section 3.2.2): at a step, a trial is stopped
/// if its best value so far is strictly worse than the median of the running averages, up to that step, of the other
/// trials that reported at it. Others count however they ended, or have not: Vizier waits for completed ones, and
/// learns later. A value that is not finite is worse than all others. Trials are compared at steps that they have in
/// common.
///
/// learn: O(log n) a report, 16 bytes kept for each. verdict, plan: O(1).
class Median final : public Scheduler {
 public:
  explicit Median(const MedianOptions& options) : options_(options) {}
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override { return Start{kNoStep, "a slot is free", {}}; }

 private:
  /// The lower median of numbers that only come in: the lower half with its greatest on top, the upper with its least.
  class Middle {
   public:
    void add(double);
    std::int64_t size() const { return static_cast<std::int64_t>(lower_.size() + upper_.size()); }
    double median() const { return lower_.top(); }

   private:
    std::priority_queue<double> lower_;
    std::priority_queue<double, std::vector<double>, std::greater<>> upper_;
  };
  struct Course {
    double sum = 0, best = std::numeric_limits<double>::infinity();
    std::int64_t count = 0;
    bool judged = false;  // Told to stop, or about to be.
  };
  struct Sentence {
    TrialId trial;
    std::int64_t step = 0;
    double best = 0, median = 0;
    std::int64_t others = 0;
  };
  void reported(const History&, const Reported&);

  MedianOptions options_;
  std::map<std::int64_t, Middle> steps_;
  std::deque<Course> courses_;      // By trial.
  std::deque<Sentence> sentences_;  // To be spoken, oldest first; the front is never out of date.
};

SchedulerEntry median();

}  // namespace tune
