// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/time.hpp"

namespace tune {

/// A program of somebody else's (sbatch, qsub, ssh), called for its answer.
struct ProgramCall {
  std::vector<std::string> argv;  ///< No shell; argv[0] is looked for in PATH.
  std::string input = {};         ///< What it reads from stdin.
  Duration limit{60};             ///< After which it is killed, with its process group.
  std::map<std::string, std::optional<std::string>> environment = {};  ///< Added to ours, or in place of it; nullopt: taken out.
  std::string folder = {};        ///< To start in; empty: ours.
};

struct ProgramAnswer {
  int exit_code = 0;  ///< -1 if a signal ended it.
  int signal = 0;
  std::string out, err;  ///< The first MiB of each; the rest is read and dropped.
  bool cut = false;      ///< Something was dropped.
  bool good() const { return signal == 0 && exit_code == 0; }
};

inline constexpr std::size_t kProgramOutput = 1 << 20;

/// Runs it to its end, and blocks until then. If its time runs out its process group is killed; no zombie is left either way.
/// What it leaves behind on purpose (a daemon that kept the pipes) does not keep us waiting: the end is the program's.
/// It is started as trials are (Launcher): umask 077, own process group, dies with the thread that called.
/// Error: not_found (no such program), unreachable (no answer within the limit), io.
Result<ProgramAnswer> run_program(const ProgramCall&);

/// What a program that failed has said, for a message: the last lines of stderr, else of stdout, else its exit code.
std::string last_words(const ProgramAnswer&);

}  // namespace tune
