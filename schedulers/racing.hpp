// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "tuner/scheduler.hpp"

namespace tune {

struct RacingOptions {
  double alpha = 0.1;              ///< What all looks at a trial may err together, against an incumbent given beforehand.
  std::int64_t min_instances = 5;  ///< The first look is after so many reports.
  std::int64_t every = 5;          ///< And another one after every so many more.
  std::int64_t instances = 0;      ///< How many there are: after the last there is nothing to save. 0: not known.
  bool spends = true;              ///< False: each look may err by alpha. A control, to see what that costs.
};

/// Racing: a trial that is tried on one instance after another is stopped once it is clearly worse than the incumbent on the
/// instances that both have done (Maron and Moore, "Hoeffding races", NIPS 1993; Birattari et al., "A racing algorithm for
/// configuring metaheuristics", GECCO 2002). Steps are instances, or folds: reports of the same step are of the same
/// instance, and are compared in pairs.
///
/// The incumbent: of the other trials that are not stopped, failed or infeasible and have done at least as many instances,
/// those that have done the most; of those the one with the best mean over all it has done (equal ones: the older). That is
/// the best of the finished ones as soon as there are any; before, the one that is furthest, so that work is saved from the
/// beginning.
///
/// At a look the trial is stopped if its mean over the common instances is worse and the one-sided Wilcoxon signed-rank
/// test (schedulers/signed_rank.hpp) gives p < alpha_k = alpha 6 / (pi^2 k^2) at its k-th look. These add up to alpha, so
/// that looking often costs nothing: an incumbent that is no better stops the trial with probability alpha at most. That
/// the incumbent was chosen by the same results is not in this bound; choosing it by the most instances keeps the effect
/// small. docs/schedulers/racing.md has it measured.
///
/// learn: O(log n) a report, at a look O(instances log instances); 16 bytes kept for each. verdict, plan: O(1).
class Racing final : public Scheduler {
 public:
  explicit Racing(const RacingOptions& options) : options_(options) {}
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override { return Start{kNoStep, "a slot is free", {}}; }

 private:
  struct Measured {
    std::int64_t step = 0;
    double score = 0;
  };
  struct Runner {
    std::vector<Measured> results;
    double sum = 0;
    std::int64_t looks = 0;
    bool stands = false;  // In field_.
    bool judged = false;  // Told to stop, or about to be.
  };
  struct Sentence {
    TrialId trial, incumbent;
    double mean = 0, best = 0;  // Over the common instances.
    std::size_t common = 0;
    std::int64_t look = 0;
    double p = 0, limit = 0;
  };
  using Place = std::pair<double, TrialId>;  // Mean, trial.
  static Place place(const Runner& r, TrialId t) { return {r.sum / static_cast<double>(r.results.size()), t}; }

  Runner& runner(TrialId);
  void reported(const History&, const Reported&);
  void withdraw(TrialId, Runner&);
  bool is_look(const Runner&, const Reported&) const;
  std::optional<TrialId> incumbent(std::size_t results) const;
  void look(TrialId, Runner&);

  RacingOptions options_;
  std::deque<Runner> runners_;                          // By trial.
  std::map<std::size_t, std::set<Place>> field_;        // Who may be incumbent: best first, by the number of results.
  std::deque<Sentence> sentences_;                      // To be spoken, oldest first; the front is never out of date.
};

SchedulerEntry racing();

}  // namespace tune
