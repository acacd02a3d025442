// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <initializer_list>
#include <string>
#include <vector>

#include "executors/process/launcher.hpp"
#include "executors/process/rank_line.hpp"

/// What the launcher of a machine's ranks and a rank that somebody else started have in common.
namespace tune::detail {

/// SIGTERM, SIGINT, SIGUSR1, SIGUSR2 and SIGCHLD do nothing by themselves from here on. Those of them that are asked for can be
/// read (signalfd_siginfo, without waiting) from what this answers; of children only their ends.
Descriptor hold_signals(std::initializer_list<int> read);

/// Where a rank prints and reports; -1: as we do, and nowhere.
struct Outlets {
  int out = -1, err = -1, channel = -1;
};

/// Starts the program as one of this machine's ranks, in a process group of its own, gone when we are. What ranks other than 0
/// print goes to files in plan.folder. `env`: of the whole attempt. Where that fails it is said where its stderr goes, and `end` is how
/// shells put it: 127 for what is not there, 126 for what cannot be run. The pid, or -1.
pid_t start_rank(Launcher&, const RanksPlan&, int rank, const std::vector<std::string>& program, const std::vector<std::string>& env,
                 Outlets, RankEnd& end);
/// The same for any program: what could not be started is said, and how shells put it is in `end`.
pid_t start_program(Launcher&, const std::vector<std::string>& argv, const std::vector<std::string>& env, Outlets, RankEnd& end);

/// To a program that start_rank() started and nobody has waited for yet, and all of its process group, once.
void signal_rank(pid_t, int signal);

/// SIGKILL to all that is below us, until nothing is; after two seconds what the kernel does not let go of is left.
void end_everything();

/// Ends this process as the rank ended: by the same signal (leaving no core), or returns the exit code.
int end_likewise(const RankEnd&);

/// A line on our stderr, or where this leads.
void complain(const std::string&, int to = 2);

}  // namespace tune::detail
