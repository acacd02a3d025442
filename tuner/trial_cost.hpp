// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace tune {

/// What a trial has cost: each of its attempts tells what it alone has cost so far, and the attempts add up.
class TrialCost {
 public:
  /// Attempts come in order. Returns by how much the trial's cost grew; what is not finite or less than before is ignored.
  double tell(int attempt, double so_far) {
    if (attempt != attempt_) attempt_ = attempt, of_attempt_ = 0;
    const double more = so_far - of_attempt_;
    if (!(more > 0) || more > kMost) return 0;
    of_attempt_ = so_far;
    total_ += more;
    return more;
  }
  double total() const { return total_; }

 private:
  static constexpr double kMost = 1.7976931348623157e308;
  double total_ = 0, of_attempt_ = 0;
  int attempt_ = 0;
};

}  // namespace tune
