// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tuner/experiment.hpp"
#include "tuner/store.hpp"

namespace tune {

/// A turn of an experiment that no loop runs: facts are folded one by one into a batch that becomes durable as a whole.
/// For those who bring the observations themselves: requests while nobody runs it, ask and tell.
class Turn {
 public:
  Turn(Experiment& experiment, Time now, std::int64_t epoch) : x_(experiment), now_(now), epoch_(epoch) {}

  const Experiment& experiment() const { return x_; }
  const History& history() const { return x_.history(); }
  Time now() const { return now_; }

  void observe(Observation);
  /// Records everything that follows without launching.
  void decide();
  /// Records the next decision, a proposal included: one that a sampler makes here and now, however long that takes.
  /// nullptr: there is nothing to decide. Valid until the next call.
  const Decided* decide_one();

  /// What was recorded, with the rows of the trials that it touched. Null if nothing was.
  std::shared_ptr<const Batch> take();

 private:
  void record(std::variant<Observation, Decided> fact);
  Experiment& x_;
  const Time now_;
  const std::int64_t epoch_;
  std::shared_ptr<Batch> batch_ = std::make_shared<Batch>();
};

}  // namespace tune
