// SPDX-License-Identifier: Apache-2.0
#include "executors/process/ending.hpp"

#include <cerrno>
#include <cstring>

#include "tuner/value.hpp"

namespace tune {
namespace {
constexpr int kPreempted = 75, kInfeasible = 77;
}

Cause cause_of(const Ending& end) {
  if (end.asked) return *end.asked == Cause::paused && end.final_seen && end.exit_code == 0 ? Cause::done : *end.asked;
  if (end.exit_code) {
    switch (*end.exit_code) {
      case 0: return Cause::done;
      case kPreempted: return Cause::preempted;
      case kInfeasible: return Cause::infeasible;
      default: return Cause::exit;
    }
  }
  return end.out_of_memory ? Cause::oom : Cause::signal;
}

std::string text_of(const Ending& end, const std::string& why, const std::string& last_line) {
  std::string text;
  if (end.asked)
    text = why;
  else if (end.out_of_memory)
    text = "the kernel ended it for want of memory";
  else if (end.signal)
    text = signal_text(*end.signal);
  else if (end.exit_code.value_or(0) != 0)
    text = "exit code " + std::to_string(*end.exit_code);
  if (!is_failure(cause_of(end)) || last_line.empty()) return text;
  return (text.empty() ? "" : text + ": ") + printable(last_line);
}

std::string signal_text(int signal) {
  return "killed by signal " + std::to_string(signal) + " (" + ::strsignal(signal) + ")";
}

std::string start_error_text(const std::string& step, int error, const std::string& program, const std::string& cwd) {
  std::string text = std::strerror(error);
  if (step == "chdir") return text + ": folder " + cwd;
  text += ": " + program;
  if (step != "exec") return step + ": " + text;
  if (error == ENOEXEC) text += " (a script begins with a line such as #!/bin/sh)";
  if (error == E2BIG) text += " (arguments and environment are longer than the system allows)";
  return text;
}

}  // namespace tune
