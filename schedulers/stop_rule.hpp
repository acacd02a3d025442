// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <optional>
#include <string>

#include "tuner/scheduler.hpp"

namespace tune {

/// What all stop rules share: they look at reports, and all that they ever decide is Stop. By itself one is a scheduler
/// that begins a trial whenever a slot is free; among the `rules` of another scheduler it is asked before that one (Rules).
///
/// A trial is judged by what it reports, and its newest judgement holds. A trial that is condemned is stopped at once. Only
/// where another decision about it was made first is the sentence dropped: it was paused, sent on from another trial's
/// checkpoint, retried, or is over; so nobody who waits is stopped for what they reported before. A report that is marked as the
/// last one is not judged, for the trial ends anyway, unless only its run on one instance does (launches_by_instance). Steps
/// that are reported twice count once (Scheduler::learn), reports that lack the objective not at all.
///
/// verdict, plan: O(1).
class StopRule : public Scheduler {
 public:
  void learn(const History&, const Record&) final;
  std::optional<Verdict> verdict(const History&) const final;
  std::optional<Plan> plan(const History&) const final { return Start{kNoStep, "a slot is free", {}}; }

 protected:
  struct Judgement {
    bool stops = false;
    std::string why = {};  ///< Of a stop, for people.
    Note note = {};
  };
  /// The trial's report, already folded into it. nullopt: nothing is said at this step, and what was said before holds.
  virtual std::optional<Judgement> judge(const History&, const Trial&, const Reported&) = 0;
  /// From here on it trains what another trial has trained.
  virtual void cloned(const Trial&) {}
  /// It had a final state, and a person wants it to go on.
  virtual void wanted_back(const Trial&) {}
  /// It was told to stop before its end, by whomever.
  virtual void stopped(const Trial&) {}
  virtual void settled(const History&, const Trial&) {}

 private:
  struct Sentence {
    TrialId trial;
    std::string why;
    Note note;
  };
  void drop(TrialId);

  std::deque<Sentence> sentences_;  // To be spoken, oldest first; the front is never out of date.
};

namespace detail {

/// One object a trial, made when it is first asked for.
template <class Course>
class Courses {
 public:
  Course& operator[](TrialId id) {
    const auto index = static_cast<std::size_t>(id.value);
    if (all_.size() <= index) all_.resize(index + 1);
    return all_[index];
  }

 private:
  std::deque<Course> all_;
};

}  // namespace detail
}  // namespace tune
