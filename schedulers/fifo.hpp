// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tuner/scheduler.hpp"

namespace tune {

/// First in, first out: every trial does all its steps, in the order of proposal. Everything O(1).
class Fifo final : public Scheduler {
 public:
  void learn(const History&, const Record&) override {}
  std::optional<Verdict> verdict(const History&) const override { return std::nullopt; }
  std::optional<Plan> plan(const History&) const override { return Start{kNoStep, "a slot is free", {}}; }
};

SchedulerEntry fifo();

}  // namespace tune
