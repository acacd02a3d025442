// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tuner/ids.hpp"

namespace tune {

/// Which checkpoints are on disk and what needs each: the books behind "nothing that is referred to is ever deleted". A part
/// of the fold, so that the reference that an Exploit takes is there the moment the decision is, and survives with it.
///
/// A checkpoint is needed while it is among the newest `keep` that its trial saved, while it is the one with the trial's best
/// value (`keep_best`), or while a trial would go on from it: a clone that has not saved anything of its own yet, a paused
/// trial, an attempt that may have to begin again. What nothing needs any more is surplus: the keep rule has it collected.
///
/// Every verb is O(1) and the number that one trial keeps. Memory: 56 bytes a trial, and about 200 and its name a checkpoint.
/// Names are those of Checkpointed: unique, never used twice.
class CheckpointLedger {
 public:
  CheckpointLedger(int keep, bool keep_best) : keep_(keep), keep_best_(keep_best) {}

  struct Saved {
    std::string name;
    std::int64_t step = 0;
  };

  /// A value of the trial, smaller is better: a checkpoint is worth what was reported last at or before its step.
  void reported(TrialId, std::int64_t step, double score);
  /// The trial's own checkpoint is safe. False: it is on its way out already (the same bytes saved again), so never use it.
  bool saved(TrialId, Saved);
  /// The trial would go on from this checkpoint, its own or another's, and no longer from what it was before.
  void use(TrialId, const std::string& name);
  /// It would go on from none: it is over.
  void release(TrialId);

  /// Gone by accident. Who would have gone on from it: the owner and its clones.
  std::vector<TrialId> lost(const std::string& name);
  void collecting(const std::string& name);
  void collected(const std::string& name) { going_.erase(name); }

  /// Of the trial's own that are there the one it saved last.
  std::optional<Saved> newest(TrialId) const;
  bool has(const std::string& name) const { return files_.contains(name); }
  /// Surplus since the last call, oldest first.
  std::vector<std::string> take_surplus();
  /// Collected by decision, not yet seen to be gone.
  const std::set<std::string>& going() const { return going_; }

 private:
  struct File {
    TrialId owner;
    std::int64_t step = 0;
    double score = 0;
    bool kept = false;           // By the keep rule of its owner.
    std::vector<TrialId> users;  // Who would go on from it, in order.
  };
  using Files = std::unordered_map<std::string, File>;
  using Entry = Files::value_type;  // It stays where it is until it is erased.
  struct Line {
    std::vector<Entry*> own;  // Oldest first.
    Entry* used = nullptr;
    std::vector<std::pair<std::int64_t, double>> scores;  // By step, not yet below a checkpoint.
  };
  Line& line(TrialId);
  static double score_at(Line&, std::int64_t step);
  void keep(Line&);
  void look(Entry&);
  void use(TrialId, Entry*);
  File take(Files::iterator);

  int keep_;
  bool keep_best_;
  Files files_;
  std::deque<Line> lines_;  // By trial.
  std::vector<std::string> surplus_;
  std::set<std::string> going_;
};

}  // namespace tune
