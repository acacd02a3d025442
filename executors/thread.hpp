// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "tuner/executor.hpp"
#include "tuner/trainable.hpp"

namespace tune {

/// Trials that are C++ code in this process, each on a thread of a pool that grows to as many threads as there are
/// slots. The fastest way to run a trial, and the least protected: a trial that crashes takes everything with it, one
/// that never reports cannot be stopped, and memory and devices are not watched. Use processes for what you do not
/// trust.
///
/// This machine is worker 0 and offers its cores, or as many as `parallel` trials need. A throw fails the trial, with
/// what() as its text. Pause, stop and shutdown reach a trial as report() answering false; `trial_time` is looked at
/// there as well. Reports and ends are handed to the loop in batches; one lock, held for moments, guards all.
class ThreadExecutor final : public Executor {
 public:
  /// `spec` outlives it. `checkpoints`: folder that checkpoints are kept in; empty: a temporary one, gone with this
  /// object.
  ThreadExecutor(const Spec& spec, TrainableFactory factory, std::string checkpoints);
  /// Waits for trials under way, unless they were ended by shut_down(true).
  ~ThreadExecutor() override;

  Time now() const override;
  std::vector<Observation> open(const History&) override;
  void carry_out(const Decided&, const History&) override;
  void acknowledge(const Observation&) override {}
  std::vector<Observation> wait(std::optional<Time> until) override;
  void interrupt() override;
  /// `kill`: does not wait for the trials' code; what it still says is not heard.
  void shut_down(bool kill) override;

 private:
  class Pool;
  // Shared with the threads: code that was killed goes on running until it next reports, maybe after this object is
  // gone.
  std::shared_ptr<Pool> pool_;
};

/// Loads a shared library that registers trainables: opens it and calls its `extern "C" void tune_plugin()`. It stays
/// loaded until the process ends. An Error names what is wrong with it.
Result<Done> load_plugin(const std::string& path);

ExecutorEntry thread();

}  // namespace tune
