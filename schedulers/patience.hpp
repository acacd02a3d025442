// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>

#include "schedulers/stop_rule.hpp"

namespace tune {

struct PatienceOptions {
  std::int64_t steps = 10;  ///< So many steps without an improvement are too many.
  double min_delta = 0;     ///< An improvement is larger than this, in units of the objective.
};

/// Stops a trial that has not improved for `steps` steps: s - b >= steps, where s is the step that it reports and b the
/// step of its last improvement, 0 before there is one. An improvement is a value better by more than min_delta than the
/// one at the last improvement, so that many small gains count once they add up. The first finite value is one; a value
/// that is not finite, or outside the outcome constraints, is none.
///
/// Counted are steps and not reports, and only what a trial reports itself: a pause costs nothing, and one that reports
/// steps 3, 7 and 12 is judged at these. A trial that goes on from another one's checkpoint begins anew at the
/// checkpoint's step, one that a person retries where it was. A retry after a failure changes nothing.
///
/// learn: O(1).
class Patience final : public StopRule {
 public:
  explicit Patience(const PatienceOptions& options) : options_(options) {}

 private:
  struct Course {
    double best = std::numeric_limits<double>::infinity();
    std::int64_t step = 0;  // Of the last improvement.
  };
  std::optional<Judgement> judge(const History&, const Trial&, const Reported&) override;
  void cloned(const Trial& t) override { courses_[t.id] = {std::numeric_limits<double>::infinity(), t.last_step}; }
  void wanted_back(const Trial& t) override { courses_[t.id].step = t.last_step; }

  PatienceOptions options_;
  detail::Courses<Course> courses_;
};

SchedulerEntry patience();

}  // namespace tune
