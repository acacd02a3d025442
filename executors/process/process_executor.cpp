// SPDX-License-Identifier: Apache-2.0
#include "executors/process/process_executor.hpp"

#include <unistd.h>

namespace tune {

Result<std::unique_ptr<Executor>> ProcessExecutor::make(const ExecutorContext& context) {
  if (auto suits = suits_this_machine(context.spec); !suits) return suits.error();
  auto host = TrialHost::make(context, offer_of_this_machine(context.spec));
  if (!host) return host.error();
  return std::unique_ptr<Executor>(new ProcessExecutor(std::move(*host)));
}

std::vector<Observation> ProcessExecutor::open(const History& history) {
  host_->end_leftovers();  // Of a tune that was killed.
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  std::vector<Observation> out;
  out.push_back(WorkerJoined{WorkerId{0}, "", name, "", "", TUNE_VERSION, host_->offer(), labels_of_this_machine(), {}});
  for (const auto& trial : history.trials()) {
    if (!trial.live() || trial.attempt_over) continue;
    // A leased one never started: its Launch is carried out again, as the same attempt.
    if (trial.state != TrialState::running) continue;
    out.push_back(Exited{trial.id, trial.attempt, Cause::lost, {}, {}, 0, {}, 0, "tune ended while it ran"});
  }
  return out;
}

void ProcessExecutor::carry_out(const Decided& decided, const History& history) {
  if (const auto* launch = std::get_if<Launch>(&decided.what)) return host_->take(lease_of(*launch, history));
  host_->carry_out(decided);
}

void ProcessExecutor::shut_down(bool kill) { host_->end_all(Cause::shutdown, kill ? "killed by the user" : "shutdown", kill); }

ExecutorEntry process() {
  return {{"process",
           "Runs each trial as a program on this machine.",
           {{"isolate", Option::Kind::text, "\"none\"",
             "cgroup: each trial in a control group of its own, where the system allows it (adds memory limits where delegated). "
             "none: what a trial leaves behind is found through /proc.",
             0, 0, {"none", "cgroup"}}}},
          &ProcessExecutor::make};
}

}  // namespace tune
