// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// Trials that run another trial's parameters again with a seed of their own: the replicates that the config asks for, and
/// the re-runs of `tune best --confirm`. A part of the fold: Experiment tells it what happened and asks what is to be
/// repeated. docs/decisions/012-repeats.md has the why.
///
/// A configuration is the trial that was proposed first (its head) and the trials that repeat it. Replicates follow once
/// the head has completed and is feasible, so that a bad configuration costs one trial. When all are over the head is
/// settled again with the reduced value, and only then do the sampler and the best hear of it.
class Repeats {
 public:
  explicit Repeats(const Spec& spec) : spec_(spec) {}

  // What happened; the history has folded it in already.
  void proposed(const Propose&);
  void paused(TrialId);
  void launched(TrialId);
  void retried(TrialId, const History&);
  void confirm(std::int64_t count, const History&);
  void finished();

  enum class Meaning : std::uint8_t {
    result,   ///< What the configuration is worth: of a trial by itself, or reduced over its replicates.
    interim,  ///< Of a head whose replicates follow.
    repeat    ///< Of a trial that repeats another.
  };
  Meaning settled(const Settle&, const History&);
  /// The head of a configuration whose last replicate is over: its Settle and why. At most one follows a Settle.
  struct Reduced {
    Settle settle;
    std::string why;
  };
  std::optional<Reduced> take_reduced() { return std::exchange(reduced_, std::nullopt); }

  /// What a free slot should repeat now.
  struct Next {
    TrialId of;
    const char* source;  ///< Of the Propose: replicate or confirm.
    std::string why;
  };
  std::optional<Next> next(const History&) const;

  /// The trial has completed, and its replicates have not: it is worth nothing yet.
  bool is_interim(TrialId) const;
  /// Trials of the budget that configurations under way will still take, those that pause left out: one that is promoted
  /// when the budget is used up still gets its replicates.
  std::int64_t promised() const { return promised_; }
  /// Trials that take nothing of the budget.
  std::int64_t reruns() const { return reruns_; }
  /// The scheduler, the sampler: must not learn this record, whose trial is `t`. Asked after settled().
  bool hidden_from_scheduler(const Record&, const Trial& t) const;
  bool hidden_from_sampler(const Record&, const Trial& t) const;

  /// How far a repeat of this trial goes: where it was asked to end because it had done all its steps, else to its own end.
  std::int64_t steps_of(TrialId) const;

  bool confirming() const { return confirmation_.has_value(); }
  /// The confirmation has nothing left to do: the candidate with the best mean, and the sentence for people.
  struct Confirmed {
    TrialId best;
    double mean = 0;
    std::string why;
  };
  std::optional<Confirmed> confirmed(const History&) const;

 private:
  struct Group {
    std::vector<TrialId> replicates;
    std::optional<std::vector<double>> own;  ///< What the head's own run gave; absent while it has not completed.
    bool feasible = true;
    bool open = false;     ///< Replicates are promised.
    bool reduced = false;  ///< The head has been settled with the reduced value.
  };
  struct Confirmation {
    std::vector<TrialId> candidates;  ///< Best first by the value seen.
    std::size_t seeds = 0;            ///< Runs of each, in this round.
    bool last = false;
  };
  struct Mean {
    double mean = 0, error = 0;
    std::size_t runs = 0, failed = 0;
  };

  std::int64_t missing(const Group& g) const { return spec_.replicates.count - 1 - static_cast<std::int64_t>(g.replicates.size()); }
  void set_open(Group&, bool open);
  void drop(std::vector<TrialId>& from, TrialId);
  std::optional<Reduced> reduce(TrialId head, const Group&, const History&) const;
  void next_round(const History&);
  Mean mean_of(TrialId candidate, const History&) const;
  bool better(TrialId a, TrialId b, const History&) const;

  const Spec& spec_;
  std::map<TrialId, Group> groups_;                   // By head; empty unless the config has replicates.
  std::set<TrialId> wanting_;                         // Heads that have completed and lack replicates.
  std::map<TrialId, std::int64_t> steps_;             // Of trials that were asked to end after all their steps.
  std::map<TrialId, std::vector<TrialId>> confirms_;  // By candidate: its re-runs.
  std::optional<Confirmation> confirmation_;
  std::optional<Reduced> reduced_;
  std::int64_t promised_ = 0, reruns_ = 0;
};

}  // namespace tune
