// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tuner/scheduler.hpp"

namespace tune {

/// A scheduler with stop rules beside it (scheduler.rules). All learn every record. What the rules condemn is stopped, in
/// the order in which they stand; everything else is the scheduler's to say. One exception: a trial that has done all its
/// steps, as the scheduler sees it, is complete, whatever a rule holds of its last report.
///
/// To the scheduler a trial that a rule stops has left as if a person had stopped it. One that has just come to a rung
/// stays in the ranking of that rung, and its Stop carries no Rung: the crossing gets no other answer. The slot that it
/// leaves is given out by the scheduler. The Stop is recorded as the rule's decision and not the scheduler's.
///
/// learn, verdict, plan: the sum of what its parts take.
class Rules final : public Scheduler {
 public:
  struct Rule {
    std::string name;
    std::unique_ptr<Scheduler> rule;  ///< Says nothing but Stop.
  };
  Rules(std::unique_ptr<Scheduler> scheduler, std::vector<Rule> rules)
      : scheduler_(std::move(scheduler)), rules_(std::move(rules)) {}

  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History& history) const override { return scheduler_->plan(history); }
  bool complete(const History& history) const override { return scheduler_->complete(history); }
  std::optional<Time> wake_at() const override;

 private:
  std::optional<Verdict> sentence(const History&) const;

  std::unique_ptr<Scheduler> scheduler_;
  std::vector<Rule> rules_;
};

/// The scheduler with the rules of the spec around it; by itself if there are none. `spec` outlives it. invalid: a rule refuses
/// its options, and the message begins with their path ("scheduler.rules.0.max: …").
Result<std::unique_ptr<Scheduler>> with_rules(std::unique_ptr<Scheduler>, const Spec&);

}  // namespace tune
