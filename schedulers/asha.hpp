// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <vector>

#include "schedulers/rung.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct AshaOptions {
  bool promote = true;                   ///< Pause at rungs and resume the best; else stop all but the best.
  std::int64_t min_step = 1;             ///< The first rung.
  std::optional<std::int64_t> max_step;  ///< Where a trial is complete; absent: where it ends by itself.
  double eta = 3;
  int brackets = 1;
};

/// Asynchronous successive halving (Li et al., "A system for massively parallel hyperparameter tuning", MLSys 2020).
/// Rungs stand at min_step * eta^k. The first report at or past a rung settles it: the trial is recorded there and may
/// go on if it is among the best floor(n / eta) of the n recorded so far, ties to the older trial, NaN last.
///
/// Promote: a trial that may not go on is paused, and resumed as soon as later results put it among the best;
/// promotions are delayed (detail::Level::has_room) while new trials could be started instead. A trial that fails keeps
/// its place at the rungs it crossed but is not promoted. Stop: it is stopped for good, but the best one always goes
/// on.
///
/// Bracket b begins at rung b; a new trial draws its bracket by the work that each should get (MOBSTER, Klein et al.
/// 2020, appendix A). learn: O(log n) a crossing, O(1) else. verdict: O(log n). plan: O(rungs).
class Asha final : public Scheduler {
 public:
  Asha(const Spec& spec, const AshaOptions& options);
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override;

 private:
  using Entry = detail::RungRanking::Entry;
  enum class Phase : std::uint8_t {
    unknown,   ///< Not started.
    climbing,  ///< On its way to its next rung.
    asking,    ///< Recorded at its rung; the verdict is not yet taken.
    admitted,  ///< A person let it go on; it has not been told how far.
    waiting,   ///< Paused at its rung.
    over       ///< Stopped, or final.
  };
  struct Climber {
    Phase phase = Phase::unknown;
    bool recorded = false;  // At its rung.
    bool in_line = false;   // Among those that wait at the level.
    int bracket = 0, rung = 0;
    double score = 0;  // As recorded at the rung.
  };

  void begin(TrialId, const History&);
  void reported(const Trial&, const History&);
  void granted(TrialId, bool at_rung, std::int64_t until, const History&);
  void refused(TrialId, bool at_rung);
  void retried(TrialId);
  void ask(TrialId, Climber&, Phase);
  void climb(TrialId, Climber&, const History&);
  void line_up(const Trial&, Climber&);
  int bracket_of_start(std::int64_t start) const;

  Climber& climber(TrialId);
  detail::Level& level(const Climber& c) {
    return levels_[static_cast<std::size_t>(c.bracket)][static_cast<std::size_t>(c.rung)];
  }
  const detail::Level& level(const Climber& c) const {
    return levels_[static_cast<std::size_t>(c.bracket)][static_cast<std::size_t>(c.rung)];
  }
  bool is_top(const Climber& c) const { return options_.max_step && level(c).step() >= *options_.max_step; }
  std::int64_t next_step(const Climber& c) const;

  AshaOptions options_;
  std::uint64_t seed_;
  bool logical_;
  std::vector<std::vector<detail::Level>> levels_;  // By bracket, by rung within it.
  std::vector<double> shares_;                      // Cumulated, by bracket.
  std::int64_t starts_ = 0;
  std::deque<Climber> climbers_;  // By trial.
  std::deque<TrialId> asking_;    // Verdicts owed, oldest first; the front is never out of date.
};

SchedulerEntry asha();

}  // namespace tune
