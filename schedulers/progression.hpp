// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <utility>
#include <vector>

#include "schedulers/ranking.hpp"

namespace tune::detail {

/// How many rungs are in use when nobody said where the last one is: PASHA (Bohdal et al., "PASHA: efficient HPO and NAS
/// with progressive resource allocation", ICLR 2023). Two at first. Whenever a trial is recorded at the last one in use,
/// the order of the 256 best trials there is compared with the order that the same trials had one rung below. The two agree
/// if at every place the trial that holds it above was, below, within epsilon of the one that held it below. If they do
/// not, one more rung is used.
///
/// Epsilon is what noise does to the order: of the trials at the last rung, the pairs whose curves crossed and crossed back;
/// the 90th percentile (nearest rank) of how far apart those were at their last common step. 0 until there is such a pair;
/// when a rung is added, the old epsilon holds until the new rung has one. Each of the first 256 trials at the rung is paired
/// with the 64 that came before it.
///
/// The paper compares and pairs all trials, which with thousands of them costs much and says no more.
///
/// reported: O(1), 16 bytes each. recorded: O(1); at the last rung O(64 steps) for the first 256 trials, later O(256) for a
/// trial that gets among the best.
class Progression {
 public:
  /// In order of step.
  void reported(TrialId, std::int64_t step, double score);
  /// At rung `rung`, counted from 0; trials come to it from the one below.
  void recorded(TrialId, int rung, double score);

  int rungs() const { return rungs_; }
  double epsilon() const { return epsilon_; }

 private:
  using Entry = RungRanking::Entry;
  struct Course {
    std::vector<std::pair<std::int64_t, double>> curve;
    double recorded = 0;  // At the last rung it was recorded at.
  };
  Course& course(TrialId);
  bool learn_noise(TrialId);
  bool place(const Entry&, double below);
  bool agree() const;

  int rungs_ = 2;
  double epsilon_ = 0;
  std::deque<Course> courses_;            // By trial.
  std::vector<TrialId> first_;            // At the last rung, as they came.
  std::vector<std::pair<Entry, double>> above_;  // The best of them in order, each with its score one rung below;
  std::vector<double> below_;             // and those scores in their order.
  std::vector<double> gaps_;              // Of the pairs that crossed twice, in order.
};

}  // namespace tune::detail
