// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuner/history.hpp"
#include "tuner/store.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/cli/subject.hpp"

namespace tune {

/// Of an experiment with several objectives the Pareto front: the trials that no other beats or equals in every objective
/// and beats in one. Trials come one by one. Only those count that completed or were stopped early, held the outcome
/// constraints and have a finite value of every objective.
class Front {
 public:
  struct Member {
    TrialId trial;
    std::vector<double> values;  ///< As reported.
  };
  explicit Front(std::vector<Objective> objectives) : objectives_(std::move(objectives)) {}

  /// True: it is one of them now, and those that it beats are no more. O(members).
  bool add(const Trial&);
  bool add(const TrialRow&);

  /// By the first objective, best first; of equals the older.
  const std::vector<Member>& members() const { return members_; }
  const std::vector<Objective>& objectives() const { return objectives_; }
  /// Up to where the volume is measured: a tenth beyond the worst of all that counted, for each objective as reported.
  std::vector<double> reference() const;
  /// What the members dominate up to `reference` (search/hypervolume.hpp); 0 if none is better than it everywhere.
  double hypervolume(const std::vector<double>& reference) const;

 private:
  bool add(TrialId, TrialState, bool feasible, std::vector<double> values);
  std::vector<double> turned(const std::vector<double>& values) const;  ///< So that smaller is better; its own inverse.
  std::vector<Objective> objectives_;
  std::vector<Member> members_;
  std::vector<double> worst_;  ///< Turned.
};

/// The front of all trials that the store has.
Result<Front> front_of(const StoreReader&, const ExperimentRow&, const Spec&);

/// "0.12 loss   31 latency_ms"
std::string values_text(const std::vector<double>& values, const std::vector<Objective>&, bool colour);

/// Which trial `tune best` is about where several objectives have several best ones: that of --objective. nullopt: none was
/// named, and there is more than one.
Result<std::optional<TrialId>> chosen_of(const Invocation&, const Front&, const Spec&);

/// `tune best` as the whole front.
int show_front(Invocation&, const Subject&, const Front& front);

}  // namespace tune
