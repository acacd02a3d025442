// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>

#include "tuner/facts.hpp"

namespace tune {

/// How the main process of an attempt ended and what we had asked of it.
struct Ending {
  std::optional<int> exit_code, signal;  ///< One of them.
  std::optional<Cause> asked;            ///< We ended it, for this.
  bool final_seen = false;               ///< It had said `final` in a report.
  bool out_of_memory = false;            ///< The kernel killed it.
};

/// What we asked for decides; else the exit code: 0 done, 75 (EX_TEMPFAIL) preempted, 77 infeasible, other: exit; else the
/// signal. A trial that was told to pause but reported its last step and ended well is done.
Cause cause_of(const Ending&);

/// For people: why we ended it, or "exit code 3", and for failures its last line of output.
std::string text_of(const Ending&, const std::string& why, const std::string& last_line);

/// "killed by signal 11 (Segmentation fault)"
std::string signal_text(int signal);

/// What is wrong when `program` could not be started: the step of the launcher that failed and its errno.
std::string start_error_text(const std::string& step, int error, const std::string& program, const std::string& cwd);

}  // namespace tune
