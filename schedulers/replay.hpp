// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <set>
#include <vector>

#include "schedulers/lists.hpp"
#include "tuner/scheduler.hpp"

namespace tune {

struct ReplayOptions {
  std::vector<detail::ScheduleLine> schedule;  ///< By step, the first one from 0; parameters are whole.
  std::optional<std::int64_t> max_step;        ///< Where the trial is complete; absent: where it ends by itself.
};

/// Follows a schedule of parameters that a population found (`tune lineage TRIAL --config`): one trial, whose parameters change
/// at given steps. At such a step it goes on from its own checkpoint, as a member of a population does from its donor's. A
/// trial that has not saved there is asked to pause, which saves; one that still has not is stopped.
///
/// The first line's parameters are those of the trial itself: the config makes them its one point. learn, verdict, plan:
/// O(log n) for n trials, of which there is one unless people add some.
class Replay final : public Scheduler {
 public:
  Replay(const Spec& spec, ReplayOptions options) : options_(std::move(options)), name_(spec.scheduler.type) {}
  void learn(const History&, const Record&) override;
  std::optional<Verdict> verdict(const History&) const override;
  std::optional<Plan> plan(const History&) const override;
  bool complete(const History& history) const override { return history.size() > 0; }

 private:
  struct Follower {
    std::size_t line = 0;  // In force.
    bool ready = false;    // Where the next line begins, or at the end.
    bool parked = false;   // Paused by a person.
  };
  std::int64_t goal(const Follower&) const;
  bool is_done(const Follower&) const;
  bool can_turn(const Follower&, const Trial&) const;
  Exploit turn(const Follower&, const Trial&) const;

  ReplayOptions options_;
  std::string name_;
  std::map<TrialId, Follower> followers_;
  std::set<TrialId> fresh_, ready_;
};

SchedulerEntry replay();

}  // namespace tune
