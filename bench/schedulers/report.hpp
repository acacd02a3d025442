// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "bench/schedulers/run.hpp"

namespace tune::races {

struct Question {
  std::vector<std::string> tools;  ///< Empty: all that are in the runs, the first one first.
  std::string baseline;            ///< Whose final value is to be reached; empty: the last of the tools.
  std::string only;                ///< Tasks whose name contains it.
  bool each_task = false;          ///< Also a table with a line for every task.
};

/// Tables in Markdown, one for every number of workers that the runs have. A task counts where all the tools have runs there;
/// medians are over the seeds that a tool has, and how many those are is said.
///
/// - time: geometric mean over tasks of (median time to the baseline's median final value / the baseline's own time to it).
///   Of an even number of final values the worse of the two in the middle is the median, so that more than half of the
///   baseline's runs get there. A run that does not counts with its budget.
/// - slower: tasks where that ratio is above 1. never: runs that do not get there.
/// - regret: mean over tasks of the median final regret, where 1 is what the baseline's first report leaves (median) and 0 the
///   best that any run in the files has found. better, equal, worse: tasks, by the median final value against the baseline's.
/// - use: share of the slots' time that trials held. CPU: mean seconds of a run.
std::string report(const std::vector<Run>&, const Question&);

}  // namespace tune::races
