// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>

#include "schedulers/curve_model.hpp"
#include "schedulers/stop_rule.hpp"

namespace tune {

struct CurveOptions {
  std::int64_t max_step = 100;   ///< Steps of a whole trial: where its value is predicted.
  double chance = 0.05;          ///< A trial with less than this of becoming the best is stopped.
  double after = 0.1;            ///< No trial is stopped before this share of max_step.
  std::int64_t min_reports = 4;  ///< Nor before it has reported so often.
  std::int64_t min_trials = 5;   ///< Nor before so many trials have gone to their end.
};

/// Predicts where a trial's learning curve ends (detail::CurveModel) and stops it when the chance that its value at
/// max_step is better than the best final one is below `chance`. Of the trials that it stops, so the promise, at most that
/// share would have become the best one; how well it is kept depends on the curves (docs/schedulers/curve.md). A trial that is better
/// right now than the best final value is never stopped.
///
/// It learns from trials that reported max_step, or completed earlier by themselves. A value that is not finite is left out and
/// not judged at, for `threshold` and `on_nan` are there; a trial outside its outcome constraints is not judged, and is no
/// best one. Reports may be sparse. A trial that takes over another one's checkpoint, or was stopped and is wanted back by a
/// person, is judged by what it reports from there; a retry after a failure changes nothing.
///
/// learn: O(points kept of the trial, detail::CurveModel::kPoints), and once in a trial O(trials).
class Curve final : public StopRule {
 public:
  explicit Curve(const CurveOptions& options) : options_(options), model_(options.max_step) {}

 private:
  struct Course {
    detail::CurvePoints points;
    bool over = false;  // Its end is known.
  };
  std::optional<Judgement> judge(const History&, const Trial&, const Reported&) override;
  void cloned(const Trial& t) override { courses_[t.id] = {}; }
  void wanted_back(const Trial& t) override { courses_[t.id] = {}; }
  void settled(const History&, const Trial&) override;
  void ended(Course&, double score, bool feasible);

  CurveOptions options_;
  detail::CurveModel model_;
  double best_ = std::numeric_limits<double>::infinity();  // Of those that went to their end and are feasible.
  detail::Courses<Course> courses_;
};

SchedulerEntry curve();

}  // namespace tune
