// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <vector>

#include "executors/clock.hpp"
#include "executors/engines/placer.hpp"
#include "executors/pool/pool.hpp"
#include "tuner/executor.hpp"

namespace boost::asio {
class thread_pool;
}

namespace tune {

/// Runs trials on agents: programs of ours on any machine that dialled in (executors/pool/agent.hpp). An agent is a worker. Its
/// attempts are its own: they outlive a broken connection, and a coordinator that is killed and comes back within the lease.
///
/// An attempt belongs to the agent it was given to. What another agent, or an agent that was given up, still says of it
/// changes nothing and is recorded as Fenced.
class PoolExecutor final : public Executor, private Pool::Member {
 public:
  /// Errors: those of Pool::of, or a command that does not parse.
  static Result<std::unique_ptr<Executor>> make(const ExecutorContext&);
  ~PoolExecutor() override;

  Time now() const override { return clock_.now(); }
  /// Attempts under way wait for their agent to confirm them, for as long as its lease can last.
  std::vector<Observation> open(const History&) override;
  void carry_out(const Decided&, const History&) override;
  void acknowledge(const Observation&) override;
  std::vector<Observation> wait(std::optional<Time> until) override;
  void interrupt() override;
  void shut_down(bool kill) override;

 private:
  /// One that joined in this experiment, here or not.
  struct Agent {
    WorkerId worker;
    std::string allocation;      // By which an engine placed it.
    bool came = false;           // Since we opened, and not lost since.
    bool cordoned = false;
    std::string unseen = {};     // What all machines should see, and its own does not: it gets no trials.
    std::int64_t received = 0;   // Its newest fact that we took.
    std::int64_t counted = 0;    // Up to here all is durable, or counts for nothing.
    std::int64_t told = 0;       // Up to here it knows.
    std::set<TrialId> attempts;  // That it has.

    /// While it is heard.
    std::string state() const { return cordoned ? "cordoned" : unseen.empty() ? "ready" : "quarantined"; }
  };
  /// What of an attempt lives with one agent: all of it, or some of its ranks.
  struct Part {
    std::string agent;
    int first = 0;                      // Its lowest rank.
    int ranks = 1;
    std::optional<Order> lease;         // Unless it started before we opened.
    bool started = false, over = false;
    std::optional<Reserved> reserved;   // While the ranks gather.
  };
  /// One that was launched and did not end.
  struct Attempt {
    int number = 0;
    std::vector<Part> parts;            // In the order of their ranks; one, but for trials with ranks on several machines.
    bool ordered = false;               // Its agents may know of it: there was room for it.
    bool asked = false;                 // To end, by us: then all parts were.
    int round = 1;                      // Of gathering its ranks.
    std::int64_t heard = 0, saved = 0;  // Before we opened: its newest report and its newest checkpoint's step.
    std::vector<Order> orders;          // What was decided since its lease, in order. Said again after each reconnection.
    std::optional<Exited> end;          // Of the part that decides how it ended, while others still live.
    bool lost = false;                  // An agent of it is: it may speak again of what is over.
  };
  /// Of an attempt, beside it (Speculate), until it takes the attempt's place or ends.
  struct Copy {
    Attempt attempt;               // Of one part.
    std::vector<Observation> did;  // What is no fact yet.
  };
  /// A fact that was taken, until it is durable; without an observation it counts for nothing and is as good as durable.
  struct Taken {
    std::string agent;
    std::int64_t seq = 0;
    std::optional<Observation> waits;
  };

  PoolExecutor(const ExecutorContext&, std::shared_ptr<Pool>, std::unique_ptr<Engine>, std::vector<std::shared_ptr<const Supply>>);
  void hear(Pool::News) override;
  void place_by(std::unique_ptr<Engine>);

  void on(const Launch&, const Decided&, const History&);
  void on(const Release&, const std::string& why);
  void on(const Collect&);
  void on(const Allocate&);
  Result<Done> invite(const AgentSpec&, const std::string& key) const;
  std::string join_file_of(const std::string& key) const;
  std::vector<std::string> agents_by(const std::string& key) const;
  void shut_out(const std::string& key);
  void finish(std::vector<Observation>);
  void follow_allocations();
  void drain(const std::string& agent, const std::string& why);
  void order(TrialId, Order);
  void order_what_fits();
  void say_all(const Attempt&, const Part&);

  // Ranks on several machines (pool_executor_ranks.cpp).
  std::vector<Part> parts_of(const std::vector<Seat>&) const;
  void gather(TrialId);
  void call_off(TrialId, std::optional<Time> again);
  void let_go(TrialId);
  void meet(TrialId, Attempt&);
  void gather_in_time();
  void start_in_time();
  void take(Pool::Answered);
  std::optional<Exited> end_part(TrialId, Attempt&, Part&, Exited);
  void end_others(TrialId, const Attempt&, const std::string& why);
  void lose_part(TrialId, const std::string& agent, const std::string& why);
  void lose_begun(TrialId);

  // Copies of attempts (pool_executor_copies.cpp).
  void on(const Speculate&, const History&);
  void on(const EndCopy&, const std::string& why);
  void take_place(const Launch&);
  Copy* copy_of(TrialId, int attempt, const std::string& agent);
  std::optional<Observation> judge_copy(TrialId, Copy&, Observation);
  void overtake(TrialId, const std::string& agent);
  void meet_copies(const std::string& agent, const std::set<std::pair<TrialId, int>>& held);
  void lose_copy(TrialId, const std::string& why);
  void lose_copies(const std::string& agent, const std::string& why);
  Attempt attempt_of(const Launch&, const Decided&, const History&) const;

  // What trials are given (pool_executor_supplies.cpp).
  static Result<std::vector<std::shared_ptr<const Supply>>> read_supplies(const ExecutorContext&);
  Opening opening(const History&) const;
  void tell_what_is_supplied(const History&);
  std::optional<Observation> judge_worker(Agent&, const WorkerChanged&);

  void take(Pool::Came);
  void take(Pool::Changed);
  void take(Pool::Leaves);
  void take(Pool::Told);
  std::optional<Observation> judge(const std::string& agent, Record);
  std::optional<Observation> judge_attempt(const std::string& agent, TrialId, int attempt, Observation);
  void fence(const std::string& agent, TrialId, int attempt, std::string_view what);
  void settle_taken();
  void tell_what_is_settled();
  void lose(const std::string& agent, const std::string& why, const std::string& proof);
  void lose_the_unclaimed();
  void tell_that_nobody_came();
  void add(TrialId, Attempt);
  Attempt remove(TrialId);
  void end_lost(TrialId, const Attempt&, const std::string& why);
  static Part* part_of(Attempt&, const std::string& agent);
  WorkerId number_of(const std::string& agent);
  const std::string* agent_of(WorkerId) const;

  const Spec& spec_;
  const std::string folder_, checkpoints_;
  const EdgeClock clock_;
  std::shared_ptr<Pool> pool_;
  const std::vector<std::shared_ptr<const Supply>> supplies_;
  std::map<std::string, Agent> agents_;
  std::map<WorkerId, std::string> names_;
  std::map<TrialId, Attempt> attempts_;
  std::map<TrialId, Copy> copies_;
  std::deque<TrialId> held_back_;               // Launched ahead: more than `executor.parallel` at once.
  std::map<TrialId, Time> gathering_;           // Whose agents were asked for room: until when, or when they are asked again.
  std::map<TrialId, Time> starting_;            // Whose agents were told to start its ranks: by when all must have.
  std::map<TrialId, int> over_;                 // The newest attempt of each trial that ended.
  std::set<std::pair<TrialId, int>> given_up_;  // Ended by our word alone.
  std::deque<Taken> taken_;
  std::set<std::string> untold_;                // Agents of whose facts more is counted than they were told.
  std::vector<Observation> seen_;
  std::optional<Time> claims_until_;            // Attempts from before we opened are waited for.
  std::optional<Time> nobody_at_;               // When it is worth a word that no agent is here.
  bool entered_ = false;

  std::mutex mutex_;  // Of what other threads write.
  std::condition_variable changed_;
  std::vector<Pool::News> news_;
  std::vector<Observation> done_;  // In the background.
  bool interrupted_ = false;
  std::unique_ptr<boost::asio::thread_pool> background_;  // Last, as the next: their work writes to the above.
  std::unique_ptr<Placer> placer_;                        // Where an engine places the agents.
  std::map<std::int64_t, std::string> keys_;              // Of allocations: by them agents say where they are from.
  std::string words_;                                     // The engine's newest: why it waits, how one ended.
};

}  // namespace tune
