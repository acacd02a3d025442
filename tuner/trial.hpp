// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/trial_cost.hpp"

namespace tune {

/// What was asked of a live attempt and has not happened yet.
enum class Asked : std::uint8_t { nothing, pause, exploit, stop };

/// A trial's state, folded from facts. Small: a hundred thousand are kept. Curves are not kept here; policies that
/// need them index them in learn(), people find them in the store.
struct Trial {
  TrialId id;
  TrialState state = TrialState::queued;
  Cause cause = Cause::done;            ///< Of the last attempt that ended.
  Asked asked = Asked::nothing;
  TrialState stop_as = TrialState::stopped;
  int attempt = 0;                      ///< The newest one; 0: never launched.
  int copies = 0;                       ///< The newest number that a copy of an attempt got: no attempt has it, unless the copy took its place.
  WorkerId worker;                      ///< Where the newest attempt was launched (its first rank).
  std::int64_t heard = 0;               ///< `seq` of the newest attempt's newest report.
  int retries = 0;                      ///< Failures that were retried.
  Params params;
  std::optional<TrialId> replicate_of;  ///< It repeats that trial with another seed, and is no configuration of its own.
  std::int64_t priority = 0;
  std::int64_t until_step = 0;          ///< It may go on up to here; 0: not yet granted anything.
  std::int64_t last_step = 0;           ///< Of the accepted reports: those that carried the objectives at a new step.
  std::int64_t reports = 0;             ///< Accepted reports.
  std::vector<double> values;           ///< Reduced objective values so far, as reported; NaN: not reported; empty: none yet.
                                        ///< Once its replicates are over: reduced over those too.
  bool finite = false;                  ///< The first objective was finite at least once.
  TrialCost cost;                       ///< As reported; 0: never told.
  std::vector<double> recent;           ///< Last k values per objective, only for mean_last_k.
  bool held = false;                    ///< Paused because a person paused the whole experiment.
  bool feasible = true;                 ///< Outcome constraints, as far as they are known.
  enum class Bound : std::uint8_t { unknown, holds, broken };
  std::vector<Bound> bounds;            ///< By outcome constraint, by the last report that carried its metric.
  std::string checkpoint;               ///< Where it would go on: its newest safe one, or that of its donor; empty: none.
  std::int64_t checkpoint_step = 0;
  bool changed = false;                 ///< Its parameters are no longer those of its Propose.
  bool resizing = false;                ///< Asked to pause only to go on with other resources.
  Seq last_fact = 0;                    ///< The newest record about this trial.
  double proposed_at = 0, launched_at = 0, ended_at = 0;  ///< Seconds since the epoch; 0: not yet. Of the newest attempt, the last two.
  double ran_seconds = 0;               ///< All attempts that ended, from their launch to their end.
  std::optional<Time> not_before;       ///< Back-off after a failure.
  std::shared_ptr<const Resources> resources;  ///< If they differ from the experiment's: rare, so not held in each trial.

  bool attempt_over = true;             ///< No attempt is under way; what follows from the last one's end may not be decided yet.

  bool live() const { return state == TrialState::leased || state == TrialState::running; }
};

}  // namespace tune
