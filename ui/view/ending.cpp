// SPDX-License-Identifier: Apache-2.0
#include "ui/view/ending.hpp"

#include <cstring>

#include "ui/view/text.hpp"

namespace tune {

std::string_view cause_text(Cause cause) {
  switch (cause) {
    case Cause::done:
      return "done";
    case Cause::paused:
      return "paused";
    case Cause::stopped:
      return "stopped early";
    case Cause::exploited:
      return "took over another trial's state";
    case Cause::cancelled:
      return "cancelled";
    case Cause::shutdown:
      return "tune was shut down";
    case Cause::preempted:
      return "pre-empted";
    case Cause::lost:
      return "lost with the process or worker that ran it";
    case Cause::refused:
      return "refused by the worker";
    case Cause::disk:
      return "disk full";
    case Cause::overtaken:
      return "its copy on another worker ended first";
    case Cause::exit:
      return "exit code not 0";
    case Cause::signal:
      return "killed by a signal";
    case Cause::oom:
      return "out of memory";
    case Cause::timeout:
      return "ran longer than stop.trial_time";
    case Cause::silence:
      return "silent for longer than stop.trial_idle";
    case Cause::exec:
      return "could not be started";
    case Cause::gang:
      return "another rank failed";
    case Cause::nan:
      return "reported nan";
    case Cause::no_metric:
      return "ended without reporting the objective";
    case Cause::infeasible:
      return "infeasible";
  }
  return "?";
}

std::string ending_text(const Exited& exited) {
  if (exited.cause == Cause::exit && exited.exit_code) return "exit code " + std::to_string(*exited.exit_code);
  if (exited.cause == Cause::signal && exited.signal) {
    const char* name = sigabbrev_np(*exited.signal);
    return "killed by signal " + std::to_string(*exited.signal) + (name ? std::string(" (SIG") + name + ")" : "");
  }
  std::string text{cause_text(exited.cause)};
  if (!exited.text.empty()) text += ": " + fit(printable(exited.text), 200);
  return text;
}

}  // namespace tune
