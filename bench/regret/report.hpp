// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "bench/regret/run.hpp"

namespace tune::regret {

/// What a report is about. A tool is named as it names itself, with "@8" for eight workers and "~0.05" for noise.
struct Question {
  std::vector<std::string> tools;     ///< Empty: all that are in the runs.
  std::string baseline;               ///< Empty: the first tool.
  std::vector<int> at{25, 50, 100, 200};
  std::vector<std::string> sets;      ///< Empty: all.
  std::string only;                   ///< Problems whose name contains it.
  bool each_problem = false;          ///< Also a table with a line for every problem.
  bool pairs = false;                 ///< Instead, the first tool against each other one by itself.
};

/// Tables in Markdown. Regret is the value of the best seen less the optimum, or less the best that any of the runs found
/// where it is not known; below 1e-9 it is none. A problem counts where every named tool has runs; which do not is said.
///
/// - rank: mean over problems of the tool's rank among the named, by the median over seeds (ties share a rank).
/// - ratio: geometric mean over problems of the medians over seeds, divided by the baseline's; both sides at least the
///   problem's floor share of what random search has after 50 trials.
/// - p: Wilcoxon's signed-rank test over the problems of the logarithm of that ratio, Holm-corrected over the tools.
/// - normalised: mean over problems and seeds of regret / (median - optimum), where the median is that of random draws.
/// - won: share of problems where the mean over seeds of the normalised regret is lower than the baseline's.
///
/// With `pairs` one line for each tool but the first: ratio and p of the first against that one alone, over the problems
/// that the two have, Holm-corrected over the lines.
std::string report(const std::vector<Run>&, const Question&);

/// "auto@8~0.05"
std::string label(const Run&);

}  // namespace tune::regret
