// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <vector>

#include "search/axes.hpp"
#include "tuner/facts.hpp"
#include "tuner/spec.hpp"
#include "tuner/trial_cost.hpp"

namespace tune {

/// One trial as samplers that learn see it. Objectives are turned so that smaller is better.
struct Observed {
  enum class State : std::uint8_t {
    pending,     ///< Under way or in the queue; `values` are what it reported last, if anything.
    complete,    ///< Ran to its end.
    partial,     ///< Paused, or ended early by a scheduler: `values` are those at `step`.
    infeasible,  ///< The trial said that its parameters cannot be.
    failed,      ///< Crashed, out of memory, timed out.
    dropped      ///< Cancelled by a person: says nothing.
  };
  TrialId trial;                    ///< Negative for those that were imported.
  Point point;
  State state = State::pending;
  std::vector<double> values;       ///< One an objective, or empty. NaN and infinities have become +infinity.
  std::vector<double> margins;      ///< One an outcome constraint: at most 0 where it holds; NaN: never reported.
  bool feasible = true;             ///< Every outcome constraint holds, as far as reported.
  std::int64_t step = 0;            ///< Of `values`.
  TrialCost told;                   ///< The cost that it reports.
  double seconds = 0;               ///< That its attempts took.
  std::vector<std::pair<std::int64_t, double>> rungs;  ///< Step and value of the rungs it was judged at, in order.

  double cost() const { return told.total() > 0 ? told.total() : seconds; }  ///< So far; 0: not known.
  bool has_value() const { return !values.empty() && values.front() < kWorst; }
  /// Its outcome was good enough to be the best: complete or partial, feasible, finite.
  bool counts() const { return (state == State::complete || state == State::partial) && feasible && has_value(); }
  bool finished() const { return state != State::pending && state != State::dropped; }
  /// Sum of what the margins lack; 1 for a failed or infeasible trial, and where only the verdict is known. 0 if feasible.
  double violation() const;

  static constexpr double kWorst = 1.7976931348623157e308;
};

/// The trials of an experiment, folded from its records, for the samplers that learn: one index instead of one a sampler.
/// Trials whose parameters are not of the space (it was narrowed since) are left out.
/// learn: O(d) a proposal, O(1) amortised otherwise. Memory: about 100 bytes and 9 d a trial.
class Trials {
 public:
  Trials(const Axes& axes, std::vector<Objective> objectives, std::vector<OutcomeConstraint> constraints);

  /// The trial whose outcome the record changed; nullptr: none. For an import see imported().
  const Observed* learn(const Record&);

  const Axes& axes() const { return *axes_; }
  std::size_t objectives() const { return objectives_.size(); }
  std::size_t constraints() const { return constraints_.size(); }
  const std::vector<Observed>& all() const { return all_; }  ///< In the order in which they were proposed or imported.
  const Observed* find(TrialId) const;
  std::size_t imported() const { return imported_; }  ///< How many of them come from other experiments.

  std::size_t proposed() const { return proposed_; }  ///< By anyone: samplers, people, points of the config.
  std::size_t pending() const { return pending_; }
  std::size_t finished() const { return finished_; }  ///< With any outcome; imported ones included.
  std::size_t partial() const { return partial_; }    ///< Of the finished ones, those that were paused or ended early.
  std::size_t failures() const { return failures_; }  ///< Failed or infeasible.

  /// Index into all() of the best by the first objective among those that count; the oldest of equals.
  std::optional<std::size_t> best() const { return best_; }

  /// Finished trials as indices into all(), best first by the first objective: feasible complete ones by value; then
  /// partial ones, those that got further first, by value at the same step; then those that violate constraints, by how
  /// much; those without a value last. Of equals the newest first, so that a plateau is left behind. O(n log n).
  std::vector<std::size_t> ranked() const;

  /// Was this configuration proposed, or imported, before? O(d).
  bool contains(const Point& snapped) const;

 private:
  Observed* at(TrialId);
  void add(TrialId, const Params&);
  const Observed* import(const Imported&);
  const Observed* report(const Reported&);
  const Observed* settle(const Settle&);
  void set_state(Observed&, Observed::State);
  void judge(TrialId, const std::optional<Rung>&);
  double score(std::size_t objective, double as_reported) const;
  void find_places(const Metrics&);

  const Axes* axes_;
  std::vector<Objective> objectives_;
  std::vector<OutcomeConstraint> constraints_;
  std::vector<Observed> all_;
  std::vector<std::ptrdiff_t> index_;        // By trial; -1: left out.
  std::unordered_set<std::uint64_t> known_;  // Hashes of points.
  std::size_t imported_ = 0, proposed_ = 0, pending_ = 0, finished_ = 0, partial_ = 0, failures_ = 0;
  std::optional<std::size_t> best_;
  bool logical_ = false;  // Order: when processes are launched depends on the workers there; a trial goes on when an Extend says so.
  std::shared_ptr<const std::vector<std::string>> names_;  // Those of the report seen last,
  std::vector<int> places_;                                // and where objectives, then constraints, stand in them.
};

}  // namespace tune
