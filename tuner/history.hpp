// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/front.hpp"
#include "tuner/spec.hpp"
#include "tuner/trial.hpp"

namespace tune {

/// Somebody who offered to run trials.
struct KnownWorker {
  WorkerJoined joined;          ///< As it joined last.
  std::string state = "ready";  ///< As WorkerChanged said last, or "lost". A cordon outlasts its leaving.
};

/// What schedulers and everyone who shows something may look at: the experiment folded so far, read-only. Queries are O(1)
/// unless they say otherwise. Only Experiment changes it.
class History {
 public:
  explicit History(const Spec& spec) : spec_(&spec), front_(spec.objectives) {}

  const Spec& spec() const { return *spec_; }
  Time now() const { return now_; }                 ///< `at` of the newest record.
  Time began() const { return began_; }             ///< `at` of the first record.
  Seq last_seq() const { return last_seq_; }

  std::int64_t size() const { return static_cast<std::int64_t>(trials_.size()); }
  const Trial& trial(TrialId id) const { return trials_[static_cast<std::size_t>(id.value)]; }
  bool contains(TrialId id) const { return id.value >= 0 && id.value < size(); }
  const std::deque<Trial>& trials() const { return trials_; }
  std::int64_t count(TrialState s) const { return counts_[static_cast<std::size_t>(s)]; }
  std::int64_t live() const { return count(TrialState::leased) + count(TrialState::running); }
  std::int64_t finished_trials() const;
  /// All that ever joined. After a restart nobody is here before having joined anew.
  const std::map<WorkerId, KnownWorker>& workers() const { return workers_; }
  /// Where the ranks of a live attempt are, of a trial that has several; else null.
  const std::vector<Seat>* ranks(TrialId) const;
  /// The copy that runs beside a trial's attempt; null: none does.
  const Speculate* copy(TrialId) const;
  /// More is launched than there are slots: some of the leased trials start only when others leave.
  bool overbooked() const { return overbooked_; }

  /// Of the trials that reached `complete` or `stopped`, feasible, with finite values: the best. nullopt if there is none.
  /// With several objectives: the one of front() that is best by the first. With replicates: among those whose replicates
  /// are over. After `tune best --confirm`: the one with the best mean.
  std::optional<TrialId> best() const { return best_; }
  /// With several objectives: of the same trials those that no other dominates. Empty with a single one.
  const Front& front() const { return front_; }
  /// Feasible, every objective is finite, and those that the spec has a target for reach it; false if it has none.
  bool reached_target(const Trial&) const;

  /// What all trials have cost, as far as they report it.
  double cost() const { return cost_; }

  /// What was copied from other experiments when this one began.
  const std::vector<Imported>& imported() const { return imported_; }

  /// What trials are given, by name, as it was recorded last.
  const std::map<std::string, Supplied>& supplied() const { return supplied_; }

  /// A new trial may be proposed: budget left, not finishing, sampler not exhausted.
  bool may_start() const { return may_start_; }
  /// `tune best --confirm` is under way: the leaders are run again, and nothing new is tried.
  bool confirming() const { return confirming_; }
  bool finishing() const { return finishing_; }
  const std::string& finish_why() const { return finish_why_; }
  int exit_code() const { return exit_code_; }

  /// The first objective of a report so that smaller is better; NaN and infinities count as worst (+infinity). nullopt if
  /// the report does not carry it. O(1) amortised: the position is cached by the report's list of names.
  std::optional<double> score(const Metrics&) const;
  /// A reported value so that smaller is better, worst if not finite.
  double score(double value) const;
  /// Inverse sign: a score as the user would report it.
  double value(double score) const { return spec_->objectives.front().maximize ? -score : score; }

 private:
  friend class Experiment;
  /// Where each objective stands in a report's list of names; -1: absent.
  const std::vector<int>& positions(const Metrics&) const;

  const Spec* spec_;
  std::deque<Trial> trials_;  // A deque: references stay valid while trials are added.
  std::array<std::int64_t, 9> counts_{};
  std::map<WorkerId, KnownWorker> workers_;
  std::map<TrialId, std::vector<Seat>> ranks_;
  std::map<TrialId, Speculate> copies_;
  std::optional<TrialId> best_;
  Front front_;
  std::vector<Imported> imported_;
  std::map<std::string, Supplied> supplied_;
  double cost_ = 0;
  Time now_, began_;
  Seq last_seq_ = 0;
  bool may_start_ = true, finishing_ = false, confirming_ = false, overbooked_ = false;
  std::string finish_why_;
  int exit_code_ = 0;
  // Position of each objective in the list of names seen last; the list is held so that its address stays its own.
  mutable std::shared_ptr<const std::vector<std::string>> names_;
  mutable std::vector<int> positions_;
};

}  // namespace tune
