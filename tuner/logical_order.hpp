// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "tuner/facts.hpp"

namespace tune {

/// Puts what the world reports into an order that does not depend on how many workers there are or how fast they run
/// (`"order": "logical"`). Decisions are made as if `slots` virtual slots each advanced one step a tick: a report's time is
/// its trial's start + step, and reports are handed on by (time, trial). A report is handed on once no other trial on a
/// virtual slot can still have an earlier one, which is how conservative parallel simulation proceeds (Chandy and Misra,
/// "Distributed Simulation", IEEE Trans. Softw. Eng. SE-5, 1979).
///
/// Attempts, retries and sizes do not move a trial's place: only the steps it reports count. The first report of a step
/// stands; steps reported again by a later attempt are ignored.
class LogicalOrder {
 public:
  explicit LogicalOrder(int slots) : slots_(slots) {}

  bool has_free_slot() const { return static_cast<int>(active_.size()) < slots_; }
  bool is_active(TrialId t) const { return active_.contains(t); }
  /// The trial takes a virtual slot at the present tick, new or where it stopped before.
  void enter(TrialId);
  /// It gives the slot back; what it has reported ahead stays for when it enters again.
  void leave(TrialId);
  /// It will never enter again.
  void forget(TrialId);

  void reported(const Record&);
  /// The trial's process came to its end for good: after its last report nothing follows.
  void ended(const Record& exited);

  /// The trial cannot go on without being launched: nothing of it is waiting to be handed on.
  bool is_hungry(TrialId) const;

  struct Event {
    Record record;  ///< Reported or Exited.
  };
  /// Takes the next event in logical order, if it is certain which one that is. O(slots).
  std::optional<Event> take();
  std::int64_t tick() const { return tick_; }

 private:
  struct Line {
    std::int64_t base = 0;    ///< Tick of step 0.
    std::int64_t cursor = 0;  ///< Last step handed on.
    std::map<std::int64_t, Record> ahead;
    std::optional<Record> end;
  };
  int slots_;
  std::int64_t tick_ = 0;
  std::map<TrialId, Line> lines_;
  std::set<TrialId> active_;
};

}  // namespace tune
