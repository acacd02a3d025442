// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>

#include "tuner/facts.hpp"

namespace tune::detail {

/// How long trials take and how long it takes to propose one, from the records: medians of the last 15. Proposals in
/// logical order count as free: how long they took depends on the machine, and nothing may there.
/// learn: O(1). The questions: O(1), over 15 numbers.
class Pace {
 public:
  /// `heavy`: this proposal was made by one of the arms whose cost is in question.
  void learn(const Record&, bool heavy);
  /// Of a heavy proposal; 0 if there was none.
  double proposal_seconds() const;
  /// Of an attempt from start to end; 0 if none ended.
  double trial_seconds() const;
  /// Proposals take more than a twentieth of a trial, and long enough to matter.
  bool dear() const;

 private:
  std::deque<double> proposals_, trials_;
  std::map<TrialId, Time> started_;
};

}  // namespace tune::detail
