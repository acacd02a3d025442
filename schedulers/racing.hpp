// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "schedulers/stop_rule.hpp"

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
/// learn: O(log n) a report, at a look O(instances log instances); 16 bytes kept for each.
class Racing final : public StopRule {
 public:
  explicit Racing(const RacingOptions& options) : options_(options) {}

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
  };
  using Place = std::pair<double, TrialId>;  // Mean, trial.
  static Place place(const Runner& r, TrialId t) { return {r.sum / static_cast<double>(r.results.size()), t}; }

  std::optional<Judgement> judge(const History&, const Trial&, const Reported&) override;
  void stopped(const Trial& t) override { withdraw(t.id); }
  void settled(const History&, const Trial&) override;
  void withdraw(TrialId);
  bool is_look(const Runner&) const;
  std::optional<TrialId> incumbent(std::size_t results) const;
  Judgement look(Runner&, const Runner& incumbent, TrialId, const History&) const;

  RacingOptions options_;
  detail::Courses<Runner> runners_;
  std::map<std::size_t, std::set<Place>> field_;  // Who may be incumbent: best first, by the number of results.
};

SchedulerEntry racing();

}  // namespace tune
