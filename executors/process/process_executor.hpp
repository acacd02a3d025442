// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "executors/process/host.hpp"
#include "tuner/executor.hpp"

namespace tune {

/// Runs trials as programs on this machine, which is worker 0. If tune is killed its trials end with it.
class ProcessExecutor final : public Executor {
 public:
  /// Error::invalid if the command does not parse.
  static Result<std::unique_ptr<Executor>> make(const ExecutorContext&);

  Time now() const override { return host_->now(); }
  std::vector<Observation> open(const History&) override;
  void carry_out(const Decided&, const History&) override;
  void acknowledge(const Observation& o) override { host_->acknowledge(o); }
  std::vector<Observation> wait(std::optional<Time> until) override { return host_->wait(until); }
  void interrupt() override { host_->interrupt(); }
  void shut_down(bool kill) override;

 private:
  explicit ProcessExecutor(std::unique_ptr<TrialHost> host) : host_(std::move(host)) {}
  std::unique_ptr<TrialHost> host_;
};

/// The line of the table in all.cpp.
ExecutorEntry process();

}  // namespace tune
