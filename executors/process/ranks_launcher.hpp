// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "executors/process/ranks.hpp"

/// The one process that stands for an attempt's ranks on one machine: whoever supervises attempts goes on seeing one process
/// each. For programs that do nothing else: signals, children and the exit are theirs. No threads.
namespace tune {

/// Runs the ranks of this machine to their end and returns the exit code.
///
/// All end with 0: 0. One that ends otherwise (an exit code, a signal) ends the gang at once: SIGKILL to every other rank and
/// whatever they started; then this process ends in the same way, and `folder`/first_rank.json says which it was, such as
/// {"rank": 2, "exit": 3} or {"rank": 2, "signal": 9}. Without "rank": torchrun, mpirun or srun itself failed.
///
/// SIGTERM, SIGINT, SIGUSR1 and SIGUSR2 are passed on to every rank, once; from then on all ends are waited for. Should this
/// process be killed, its ranks are. Where it starts nothing itself (mpirun and srun on nodes other than 0) it gives the ranks
/// their place there and ends with them, or when it is asked to and there are none.
///
/// `tune`: this program, which torchrun, mpirun and srun start each rank through (run_as_rank). About 1 ms a rank and the
/// start of this program.
int launch_ranks(const RanksPlan&, const std::vector<std::string>& program, const std::string& tune);

/// One rank that torchrun, mpirun or srun started. The plan is that of the machine which started them; the rank's own comes from
/// the launcher of the machine where it runs, with its environment, its signals, and for rank 0 the ways to print and report.
/// Returns the exit code; 2 if it cannot be told which rank this is, 1 if nobody holds its place.
int run_as_rank(const RanksPlan&, const std::vector<std::string>& program);

}  // namespace tune
