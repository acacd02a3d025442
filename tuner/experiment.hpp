// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <vector>

#include "tuner/allocator.hpp"
#include "tuner/checkpoint_ledger.hpp"
#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "tuner/logical_order.hpp"
#include "tuner/placement.hpp"
#include "tuner/repeats.hpp"
#include "tuner/result.hpp"
#include "tuner/sampler.hpp"
#include "tuner/scheduler.hpp"
#include "tuner/spec.hpp"
#include "tuner/stragglers.hpp"

namespace tune {

/// The experiment: a fold over its journal. apply() folds one record in, whoever made it; next() says what to do now that
/// everything so far is known. Live, simulated and recovered experiments all go through these two; that is why a killed
/// one goes on where it was and a replayed one decides the same.
///
/// Pure: no clock, no thread, no file. Everything it knows came through apply(). One thread, except that the sampler may
/// be proposing on another between hold_sampler() and release_sampler().
class Experiment {
 public:
  /// `spec` outlives the experiment. `allocator`: where an engine places the workers; else null.
  Experiment(const Spec& spec, std::unique_ptr<Sampler> sampler, std::unique_ptr<Scheduler> scheduler,
             std::unique_ptr<Allocator> allocator = {});

  /// Records come in order, with dense seq. O(log n).
  void apply(const Record&);

  /// The next decision, or nullopt: wait for the world. `may_launch` false: nothing new is begun (this process is ending).
  std::optional<Decided> next(bool may_launch = true) const;

  /// A proposal for this trial is what would let a slot go on; next() cannot give it because proposing may take long.
  std::optional<TrialId> wanted() const;
  Rng proposal_stream(TrialId) const;
  /// The decision that a proposal becomes.
  Decided propose(const Sampler::Proposal&, double seconds) const;
  /// The sampler had nothing to propose: do not ask again before it has learned more.
  void declined() { declined_at_ = learned_; }

  const Sampler& sampler() const { return *sampler_; }
  /// Records are kept from the sampler while it proposes elsewhere, and learned when it is released.
  void hold_sampler() { sampler_held_ = true; }
  void release_sampler();

  /// Why a request cannot be served; nullopt: it can.
  std::optional<Error> objection(const Requested&) const;

  /// Launches that are recorded but were never seen to start, collections not seen to be done, allocations not seen to be over.
  /// After a restart they are carried out again.
  std::vector<Decided> unsettled() const;
  /// When next() could change its answer although nothing is observed.
  std::optional<Time> wake_at() const;
  /// Decided to finish, nothing is under way any more, and every allocation is let go.
  bool finished() const;
  bool is_live(TrialId t) const { return live_.contains(t); }
  std::size_t live() const { return live_.size(); }

  const History& history() const { return history_; }
  const Placement& placement() const { return placement_; }
  Seq next_seq() const { return history_.last_seq() + 1; }

  /// Trials whose state changed since the last call, each once. For projections.
  std::vector<TrialId> take_touched();

 private:
  struct Lease {
    Launch launch;
    bool started = false;
    std::int64_t from_step = 0;  // The trial's last step when it was launched.
    Time started_at = {};
  };
  /// Place in the queue: higher priority first, then trials that ran before, then by number.
  using QueueKey = std::tuple<std::int64_t, bool, TrialId>;

  // Folding, one function a kind (experiment_observations.cpp, experiment_decisions.cpp).
  void fold(const Configured&, const Record&);
  void fold(const Imported&, const Record&);
  void fold(const Requested&, const Record&);
  void fold(const WorkerJoined&, const Record&);
  void fold(const WorkerChanged&, const Record&);
  void fold(const WorkerLost&, const Record&);
  void fold(const Started&, const Record&);
  void fold(const Reported&, const Record&);
  void fold(const Checkpointed&, const Record&);
  void fold(const CheckpointLost&, const Record&);
  void fold(const Supplied& s, const Record&) { history_.supplied_[s.name] = s; }
  void fold(const Exited&, const Record&);
  void fold(const CopyExited&, const Record&);
  void fold(const Propose&, const Record&);
  void fold(const Launch&, const Record&);
  void fold(const Extend&, const Record&);
  void fold(const Pause&, const Record&);
  void fold(const Stop&, const Record&);
  void fold(const Exploit&, const Record&);
  void fold(const Resize&, const Record&);
  void fold(const Retry&, const Record&);
  void fold(const Collect&, const Record&);
  void fold(const Collected&, const Record&);
  void fold(const Settle&, const Record&);
  void fold(const Finish&, const Record&);
  void fold(const Speculate&, const Record&);
  void fold(const EndCopy&, const Record&);
  void fold(const auto&, const Record&) {}

  Trial& at(TrialId);
  void touch(TrialId);
  void set_state(Trial&, TrialState);
  void enqueue(Trial&);
  void unqueue(const Trial&);
  QueueKey queue_key(const Trial&) const;
  void learn(const Record&);
  void consume_report(const Record&);
  void count_cost(const Reported&, Seq);
  void consume_exit(const Record&);
  bool next_instance(const Exited&, const Lease&) const;
  void advance();
  void refresh();
  void check_rules(const Trial& settled, Repeats::Meaning);
  bool improves(const Trial& settled, const ByObjective& min_delta);
  void finish_confirming(Seq because);
  void consider_best(const Trial&);
  bool improbable() const { return unlikely_ >= kUnlikely; }
  bool judge_bounds(Trial&, const Reported&) const;

  std::optional<Error> confirm_objection() const;
  std::optional<Error> worker_objection(const Requested&) const;

  // Copies of attempts (experiment_copies.cpp).
  void free_copy(TrialId, int attempt);
  void free_copies();
  void owe_end_of_copy(const Trial&, Seq because, std::string why);
  bool owe_takeover(const Trial&, Cause, Seq because);
  std::optional<Time> copy_due(TrialId, const Lease&) const;
  std::optional<Decided> speculate() const;

  void go_on_from(Trial&, std::string checkpoint, std::int64_t step);
  void owe_collect(Seq because);

  // What follows from facts at once: pushed while folding, handed out by next(), dropped when it is folded itself.
  void owe(Decision, Seq because, std::string by, std::string why);
  void paid(const Decision&);
  void owe_settle(const Trial&, TrialState, Cause, Seq because, std::string why);
  void owe_failure(const Trial&, Cause, Seq because, const std::string& text);
  void owe_finish(int exit_code, std::optional<TrialState> live_as, Seq because, std::string by, std::string why);

  // Deciding (experiment.cpp).
  std::optional<Decided> verdict() const;
  std::optional<Decided> fill_logical_slot() const;
  std::optional<Decided> launch() const;
  std::optional<Decided> give_up() const;
  std::optional<Decided> let_go() const;
  std::optional<Scheduler::Plan> plan() const;
  std::optional<Decided> launch(const Trial&, std::int64_t until_step, std::optional<Rung>, Reason) const;
  std::optional<Decided> repeat() const;
  std::optional<Decided> point() const;
  bool has_points() const { return points_used_ < spec_.points.size() || lessons_used_ < lessons_.size(); }
  const Resources& resources_of(const Trial&) const;
  std::vector<Seat> seats(const Resources& each, int ahead) const;
  bool has_room() const;
  bool wants_decision() const;
  const Trial* fresh_in_queue() const;
  int ahead() const;
  std::optional<Time> deadline() const;
  std::optional<Time> others_may_come_until() const;

  const Spec& spec_;
  std::unique_ptr<Sampler> sampler_;
  std::unique_ptr<Scheduler> scheduler_;
  std::unique_ptr<Allocator> allocator_;
  History history_;
  Placement placement_;
  std::optional<LogicalOrder> order_;
  Repeats repeats_;
  CheckpointLedger checkpoints_;
  std::optional<Stragglers> stragglers_;

  std::set<QueueKey> queue_;
  std::set<std::pair<Time, TrialId>> delayed_;
  std::map<TrialId, Lease> live_;
  std::deque<Decided> due_;
  bool on_hold_ = false;  // A person paused the whole experiment.
  bool finish_owed_ = false;

  bool sampler_held_ = false;
  std::deque<Record> held_;
  std::int64_t learned_ = 0, declined_at_ = -1;

  std::size_t points_used_ = 0;
  struct Lesson {
    Params params;
    std::string source;
  };
  std::vector<Lesson> lessons_;         // The best of each experiment that this one learned from: tried after the points.
  std::size_t lessons_used_ = 0;
  double best_score_ = 0;               // Of history_.best_: its value, or the mean that confirmed it.
  static constexpr int kUnlikely = 3;   // Proposals in a row before improvement is given up.
  int unlikely_ = 0;
  std::int64_t since_best_ = 0;         // Trials settled since the last improvement by min_delta, itself included; 0: none settled.
  Front improvements_;                  // Those that counted.
  bool any_success_ = false;
  std::int64_t failures_in_a_row_ = 0;  // Since the beginning, while nothing has succeeded.
  double active_before_ = 0;
  Time opened_at_;
  std::optional<Time> agent_came_at_;   // The newest; nullopt: workers are no agents, and all there will be.
  std::deque<Time> exits_;              // The last ones: how fast slots turn over.
  std::vector<TrialId> touched_;
  std::vector<bool> is_touched_;        // By trial.
};

}  // namespace tune
