// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <optional>
#include <vector>

#include "schedulers/rung.hpp"

namespace tune::detail {

/// Where every trial stands on the rungs: what schedulers that halve have in common. It follows the facts (who was recorded
/// at which rung, who waits there, whose verdict is due) and decides nothing. A bracket is a row of rungs to climb; the
/// last rung of a row is where a trial is complete.
///
/// learn: what RungRanking costs for a crossing or a decision, O(1) for a report between rungs. Memory: 48 bytes a trial and its entries
/// in the levels.
class Ladder {
 public:
  enum class Phase : std::uint8_t {
    unknown,   ///< Not started.
    climbing,  ///< On its way to its next rung.
    asking,    ///< Recorded at its rung; the verdict is not yet taken.
    admitted,  ///< A person let it go on; it has not been told how far.
    waiting,   ///< Paused at its rung.
    over       ///< Stopped, or final.
  };
  struct Climber {
    Phase phase = Phase::unknown;
    Level::Standing standing = Level::Standing::none;  // As its level counts it.
    bool recorded = false;                             // At its rung.
    bool in_line = false;                              // Among those that wait at the level.
    int bracket = 0, rung = 0;
    double score = 0;  // As recorded at the rung.
  };
  /// What a record changed.
  struct Change {
    bool any = false;       ///< Somebody's place: without it the answers of a scheduler stay as they were.
    bool began = false;     ///< A trial began to climb.
    bool recorded = false;  ///< A trial was recorded at its rung.
    TrialId trial;
  };

  /// `logical`: trials are started and resumed by decisions of their own, and launches follow the workers.
  explicit Ladder(bool logical) : logical_(logical) {}

  /// The next bracket.
  void add(std::vector<Level> rungs) { brackets_.push_back(std::move(rungs)); }
  /// A trial that the record starts begins in this bracket.
  Change learn(const History&, const Record&, int bracket);

  /// Whose verdict is due, longest first.
  std::optional<TrialId> due() const { return asking_.empty() ? std::nullopt : std::optional{asking_.front()}; }
  const Climber& at(TrialId id) const { return climbers_[static_cast<std::size_t>(id.value)]; }
  int brackets() const { return static_cast<int>(brackets_.size()); }
  int rungs(int bracket) const { return static_cast<int>(row(bracket).size()); }
  const Level& level(int bracket, int rung) const { return row(bracket)[static_cast<std::size_t>(rung)]; }
  const Level& level(const Climber& c) const { return level(c.bracket, c.rung); }
  bool is_top(const Climber& c) const { return c.rung + 1 == rungs(c.bracket); }
  /// Step of the rung after the climber's own.
  std::int64_t next_step(const Climber& c) const { return is_top(c) ? kNoStep : level(c.bracket, c.rung + 1).step(); }
  Level::Entry entry(TrialId id) const { return {at(id).score, id}; }

 private:
  void begin(const Trial&, Climber&, int bracket, const History&);
  void climb(const Trial&, Climber&, const History&);
  void granted(const Trial&, Climber&, bool at_rung, std::int64_t until, const History&);
  void retried(const Trial&, Climber&);
  void ask(const Trial&, Climber&, Phase);
  void line_up(const Trial&, Climber&);
  void stand(const Trial&, Climber&);

  Climber& climber(TrialId);
  const std::vector<Level>& row(int bracket) const { return brackets_[static_cast<std::size_t>(bracket)]; }
  Level& level(const Climber& c) {
    return brackets_[static_cast<std::size_t>(c.bracket)][static_cast<std::size_t>(c.rung)];
  }

  bool logical_;
  std::deque<std::vector<Level>> brackets_;
  std::deque<Climber> climbers_;  // By trial.
  std::deque<TrialId> asking_;    // Verdicts owed, oldest first; the front is never out of date.
  Change change_;                 // Of the record that is being learned.
};

}  // namespace tune::detail
