// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <vector>

#include "tuner/spec.hpp"

namespace tune {

/// `a` is no worse anywhere and better somewhere. Smaller is better, nothing is NaN, both have the same length.
inline bool dominates(std::span<const double> a, std::span<const double> b) {
  bool better = false;
  for (std::size_t j = 0; j < a.size(); ++j) {
    if (a[j] > b[j]) return false;
    better |= a[j] < b[j];
  }
  return better;
}

/// The Pareto front of several objectives: the trials that no other dominates; equal ones all stay. Trials come one by one.
class Front {
 public:
  struct Member {
    TrialId trial;
    std::vector<double> values;  ///< As reported.
  };
  explicit Front(std::vector<Objective> objectives) : objectives_(std::move(objectives)) {}

  /// True: the trial is one of them now, and those that it dominates are no more. A trial that comes again has new values.
  /// False also if a value is missing or not finite. O(members).
  bool add(TrialId, const std::vector<double>& values);
  /// Some member is as good as `values` in every objective, once it may be worse by the `slack` of each. O(members).
  bool covers(const std::vector<double>& values, std::span<const double> slack) const;
  void clear() { members_.clear(), worst_.clear(); }

  /// By the first objective, best first; of equals the older.
  const std::vector<Member>& members() const { return members_; }
  bool contains(TrialId) const;  ///< O(members).
  const std::vector<Objective>& objectives() const { return objectives_; }
  /// The worst of each objective among all that were added, so that smaller is better. Empty: none was.
  const std::vector<double>& worst() const { return worst_; }
  /// Values so that smaller is better; its own inverse.
  std::vector<double> turned(std::vector<double> values) const;

 private:
  std::vector<Objective> objectives_;
  std::vector<Member> members_;
  std::vector<double> worst_;
};

}  // namespace tune
