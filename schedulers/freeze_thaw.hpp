// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <limits>
#include <set>

#include "schedulers/curve_model.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct FreezeThawOptions {
  std::int64_t max_step = 100;  ///< Where a trial is complete.
  std::int64_t interval = 10;   ///< Steps between two looks at a trial.
  double chance = 0.01;         ///< Once nothing new may begin, trials with less than this of becoming the best do not go on.
  std::int64_t min_trials = 3;  ///< Until so many trials have gone to their end, nobody is paused.
};

/// Freeze-thaw (Swersky, Snoek, Adams, "Freeze-thaw Bayesian optimization", 2014): trials train for `interval` steps at a time,
/// and each time the slot goes on to whoever has the best claim to it: the trial itself, one that is paused, or a new one.
///
/// A claim is the chance to beat the best value reported so far by a margin, so many steps later, as the learning curves tell
/// (detail::CurveModel). Margin and number of steps are drawn for each decision, so that near and far gains both get
/// their turn: MFPI-random of Rakotoarison et al., "In-context freeze-thaw Bayesian optimization for hyperparameter optimization", ICML
/// 2024. A new trial is taken for one like those begun: its claim is (1 + the sum of their chances at that step) / (1 + their
/// number). A trial outside its outcome constraints, or without a finite value, has none.
///
/// When no new trial may begin, a trial that has no chance to become the best at max_step does not go on: it is stopped at its
/// next look, or when the experiment ends if it is paused. One that has reported the best value always goes on.
///
/// What a trial is expected to do is seen anew where it stands after an interval, and for all trials whenever as many again have
/// gone to their end.
///
/// learn: O(detail::CurveModel::kPoints) a report, O(trials) when a trial ends. verdict: O(1), O(trials) when a trial has done its
/// steps. plan: O(trials).
class FreezeThaw final : public Scheduler {
 public:
  FreezeThaw(const Spec& spec, const FreezeThawOptions& options);
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override;

 private:
  enum class Phase : std::uint8_t {
    unknown,  ///< Not launched.
    going,    ///< On its way to its goal.
    ready,    ///< At its goal, not yet told what to do.
    over      ///< Stopped, or final.
  };
  struct Course {
    Phase phase = Phase::unknown;
    bool parked = false;   // Paused by a person, who will let it go on.
    bool learned = false;  // The model has it whole.
    bool feasible = false;  // Its outlook counts.
    bool owed = false, in_line = false;
    Seq ready_at = 0;
    std::int64_t step = 0;
    double best = std::numeric_limits<double>::infinity();  // Of what it reported while it was feasible.
    detail::CurvePoints points;
    detail::CurveModel::Outlook outlook;
  };
  /// What all claims to a slot are measured by.
  struct Measure {
    std::int64_t ahead = 0;
    double mark = 0;
  };
  struct Claim {
    std::optional<TrialId> trial;  ///< Absent: a new one.
    double chance = 0;
  };

  Course& course(TrialId);
  const Course& course(TrialId id) const { return courses_[static_cast<std::size_t>(id.value)]; }
  void reported(const History&, const Trial&, Course&, const Record&);
  void decided(const Trial&, Course&, const Record&);
  void whole(Course&, double end);
  void index(const Trial&, Course&);

  bool knows() const { return model_.learned() >= options_.min_trials && best_ < std::numeric_limits<double>::infinity(); }
  Measure measure() const;
  double claim(const Course&, const Measure&) const;
  bool is_hopeless(const Course& c) const { return c.best > best_ && c.outlook.chance(1, best_) < options_.chance; }
  Claim best_of_others(const History&, const Measure&) const;
  std::int64_t next_goal(std::int64_t step) const { return std::min(step + options_.interval, options_.max_step); }
  std::string told(const Measure&, const History&) const;

  FreezeThawOptions options_;
  std::string name_;
  std::uint64_t seed_;
  detail::CurveModel model_;
  double best_ = std::numeric_limits<double>::infinity();  // Reported at any step by a feasible trial.
  std::int64_t begun_ = 0, decisions_ = 0;                 // Launches and extensions: they name the random streams.
  std::deque<Course> courses_;                             // By trial.
  std::set<std::pair<Seq, TrialId>> owed_;                 // Verdicts, oldest first.
  std::set<TrialId> line_;                                 // Paused, and may go on.
};

SchedulerEntry freeze_thaw();

}  // namespace tune
