// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/placement.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

/// A scheduler whose trials get what others have left over (scheduler.grow). It learns everything, answers first, and alone
/// says what is begun, paused and stopped. What is added: when nothing new may start and nobody waits, a trial that runs is
/// doubled. It is paused, saves, and goes on from there with its new resources.
///
/// The rule, at a report whose step is a multiple of `every`: every resource of the trial that `max` has more of is doubled,
/// up to `max`. That happens if it fits on a worker beside what others hold, and no better trial that runs, by value and
/// then by number, could be doubled as well: the best is served first, at its own next report. Until the trial runs again
/// nobody else is doubled. So a trial is resized log2(max / resources) times, rounded up, at most.
///
/// It never shrinks, but for one thing: a trial that waits with more than any worker there could hold, because one was lost,
/// gets back what the config says.
///
/// learn: O(log workers), at the end of an experiment O(live trials log workers) a report; verdict: O(trials resized) then, when somebody waits.
class Grow final : public Scheduler {
 public:
  /// `spec` has `grow`, and outlives this.
  Grow(std::unique_ptr<Scheduler> scheduler, const Spec& spec) : scheduler_(std::move(scheduler)), spec_(spec), placement_(spec.required_labels), empty_(spec.required_labels) {}

  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History& history) const override { return scheduler_->plan(history); }
  bool complete(const History& history) const override { return scheduler_->complete(history); }
  std::optional<Time> wake_at() const override { return scheduler_->wake_at(); }

 private:
  void follow(const Record&);
  const Resources& resources_of(const Trial& t) const { return t.resources ? *t.resources : spec_.resources; }
  bool is_time(const History&) const;
  bool may_grow(const Trial&) const;
  /// What it would get; nullopt: it has all, or there is no room.
  std::optional<Resources> doubled(const Trial&);
  std::optional<Verdict> shrunk(const History&) const;

  std::unique_ptr<Scheduler> scheduler_;
  const Spec& spec_;
  Placement placement_;
  Placement empty_;  // The same workers, holding nothing.
  std::map<TrialId, std::vector<Seat>> seats_;  // Of live attempts.
  struct Chosen {
    TrialId trial;
    Resources resources;
    std::string why;
  };
  std::optional<Chosen> chosen_;
  std::vector<TrialId> grown_;  // Trials that were resized, each as often.
};

/// The scheduler with growth around it where the spec has `grow`, else itself. `spec` outlives it.
std::unique_ptr<Scheduler> with_grow(std::unique_ptr<Scheduler>, const Spec&);

}  // namespace tune
