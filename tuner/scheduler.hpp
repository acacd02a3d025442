// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "tuner/registry.hpp"
#include "tuner/result.hpp"

namespace tune {

/// Says which trials deserve steps. It learns every record and answers two questions, both const and both asked again
/// until the answer is nullopt:
///
///   verdict()  what must become of trials that are under way (a rung was crossed, a rule says stop)?
///   plan()     what should a free slot be given: a paused trial to resume, or a new one?
///
/// Index in learn(), so that both are O(1) or O(log n): they are asked after every record. Every crossing of a rung is
/// answered by exactly one Extend, Pause or Stop that carries the Rung. A question must change its answer once the decision
/// it led to has been learned, else the experiment would loop.
class Scheduler {
 public:
  /// Give the slot to a new trial, up to this step.
  struct Start {
    std::int64_t until_step = kNoStep;
    std::string why;
    Note note;
  };
  /// Give the slot to this paused trial.
  struct Resume {
    TrialId trial;
    std::int64_t until_step = kNoStep;
    std::optional<Rung> rung;
    std::string why;
    Note note;
  };
  /// Give the slot to this paused trial, from another one's checkpoint.
  struct Clone {
    Exploit exploit;
    std::string why;
    Note note;
  };
  using Plan = std::variant<Start, Resume, Clone>;
  struct Verdict {
    std::variant<Extend, Pause, Stop, Exploit, Resize> what;  ///< The attempt is filled in by the experiment.
    std::string why;
    Note note;
    std::string by = {};  ///< The rule that says so; empty: the scheduler itself.
  };

  virtual ~Scheduler() = default;
  /// The history has already folded the record in. Reports that repeat a step (a resumed attempt) are not passed on.
  virtual void learn(const History&, const Record&) = 0;
  virtual std::optional<Verdict> verdict(const History&) const = 0;
  /// Resume before Start where both are possible; when history.may_start() is false only Resume counts.
  virtual std::optional<Plan> plan(const History&) const = 0;
  /// It has all that it wanted: once nothing is under way the experiment is over, although new trials could be proposed.
  virtual bool complete(const History&) const { return false; }
  /// When an answer could change although nothing is observed.
  virtual std::optional<Time> wake_at() const { return std::nullopt; }
};

struct SchedulerContext {
  const Spec& spec;  ///< Outlives the scheduler.
  Params options;    ///< Checked against the entry's options, defaults filled in.
};

struct SchedulerEntry {
  PolicyInfo info;
  Result<std::unique_ptr<Scheduler>> (*make)(const SchedulerContext&);
};

}  // namespace tune
