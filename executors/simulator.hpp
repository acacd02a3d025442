// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <memory>
#include <mutex>
#include <queue>
#include <tuple>
#include <unordered_map>
#include <vector>

#include "executors/problem.hpp"
#include "tuner/executor.hpp"
#include "tuner/rng.hpp"

namespace tune {

struct SimulatorOptions {
  int workers = 8;
  int slots = 1;             ///< Trials that a worker holds at a time; of trials of several ranks, ranks.
  double step_seconds = 1;   ///< Of a step on a worker of speed 1, where the problem does not say.
  double start_seconds = 0;  ///< From launch to Started.
  double save_seconds = 0;   ///< That saving a checkpoint takes.
  double scaling = 0;        ///< A trial with n times the cpus of the config is n^scaling times as fast.
  double spread = 0;         ///< Speeds of workers lie log-uniformly between 1 / (1 + spread) and 1 + spread.
  double jitter = 0;         ///< Each step takes up to this share longer.
  double noise = 0;          ///< Standard deviation of what is added to each value.
  std::uint64_t seed = 0;

  /// Chances; an attempt draws one fault at most, at a step that is drawn too.
  struct Faults {
    double crash = 0;        ///< It ends with exit code 1.
    double lost = 0;         ///< Nobody knows what became of it.
    double late = 0;         ///< It is given up as lost, and a report of it arrives afterwards.
    double hang = 0;         ///< It says nothing more until `silence_seconds` have passed.
    double preempt = 0;      ///< It has to leave; it saves if it can.
    double nan = 0;          ///< A report: its values are NaN.
    double duplicate = 0;    ///< A report: it is delivered twice.
    double worker_loss = 0;  ///< Expected losses of a worker in an hour.
  } faults;
  double silence_seconds = 60;
  double repair_seconds = 60;  ///< Until a lost worker is back; 0: never.

  /// An attempt that runs when the simulation takes a real experiment over, and goes on from where it is.
  struct UnderWay {
    TrialId trial;
    double began = 0, seen = 0;  ///< When it was launched; when it last reported, or started.
    std::int64_t reports = 0;    ///< Of this attempt.
  };
  std::vector<UnderWay> under_way;  ///< On worker 0. Attempts that the history holds for running and that are not here are lost.

  /// Nobody can interrupt, so that waiting for nothing would be for ever: our own bug. For tests.
  bool alone = false;
  /// The same is no bug, but the end: stuck() says so and wait() returns.
  bool gives_up = false;
};

/// Trials that are functions, in virtual time: an hour of an experiment passes in milliseconds, through the same loop,
/// with the same decisions. Same options, same decisions: the same observations at the same virtual times, whatever the
/// machine does. Time stands still until what it told is durable and the decisions that follow have been carried out.
///
/// A worker joins at the beginning and offers what `slots` trials (or ranks) of this experiment need. A trial starts when its
/// worker has a free slot, is as fast as the slowest worker of its ranks and lost with any of them, takes its steps, waits at `until_step` for Extend, Pause or Stop, and hears a Pause or Stop
/// that comes earlier at the end of its step. It can save if the config has `checkpoint`. `stop.trial_time` counts from
/// when it got its slot, `stop.trial_idle` from then and from each report, but not while it waits for a decision. After a
/// restart live attempts are lost unless the options say how they go on. An event costs O(log n) of those pending. Of a
/// trial that is not under way nothing is kept but how often it was launched.
class Simulator final : public Executor {
 public:
  /// `spec` outlives it.
  Simulator(const Spec& spec, std::unique_ptr<Problem> problem, SimulatorOptions options);

  Time now() const override { return now_; }
  std::vector<Observation> open(const History&) override;
  void carry_out(const Decided&, const History&) override;
  void acknowledge(const Observation&) override;
  std::vector<Observation> wait(std::optional<Time> until) override;
  void interrupt() override;
  void shut_down(bool kill) override;
  /// Nothing will ever happen again (with `gives_up`).
  bool stuck() const { return stuck_; }

 private:
  enum class Phase : std::uint8_t { queued, starting, stepping, waiting, hung, over };
  enum class Fault : std::uint8_t { none, crash, lost, late, hang, preempt };
  enum class What : std::uint8_t { start, step, give_up, time_out, late_report, worker_lost, worker_back };

  struct Attempt {
    int number = 0;
    Phase phase = Phase::queued;
    Fault fault = Fault::none;
    bool speaks_again = false;  // A report of it arrives after its end.
    std::int64_t fault_step = 0;
    std::vector<std::size_t> workers;  // Of each rank. It waits for a slot of the first one.
    double speed = 1;       // By its cpus and the slowest of its workers.
    std::int64_t step = 0;  // The last one done.
    std::int64_t until = kNoStep;
    std::int64_t seq = 0;
    double began = 0;
    std::optional<Cause> asked;
    Trajectory course;
    bool copy = false;             // Beside another attempt of the trial; what it does is kept.
    std::vector<Observation> did;  // That.
  };
  struct Worker {
    double speed = 1;
    int free = 0;
    bool up = true;
    int losses = 0;
    std::deque<TrialId> again, fresh;  // Launches that wait for a slot; trials that ran before go first.
  };
  struct Event {
    double at;
    std::uint64_t order;
    TrialId trial;  // Or the worker's index.
    int attempt;
    What what;
    bool operator<(const Event& o) const { return due() > o.due(); }
    // What happens at the very end of an attempt's time has not taken longer.
    std::tuple<double, bool, std::uint64_t> due() const { return {at, what == What::time_out, order}; }
  };

  void adopt(const SimulatorOptions::UnderWay&, const Trial&);
  void launch(const Launch&, const History&);
  void prepare(Attempt&, const Launch&, const History&);
  void begin_copy(const Speculate&, const History&);
  void take_place(const Launch&);
  void end_copy(TrialId, Attempt&, Exited);
  void forget_copy(TrialId);
  void lose_copies(std::size_t worker);
  void tell(Attempt& a, Observation o) { (a.copy ? a.did : out_).push_back(std::move(o)); }
  void ask(TrialId, int attempt, Cause);
  void schedule(double at, TrialId, int attempt, What);
  void occur(const Event&);
  void begin_next(std::size_t worker);
  void begin(TrialId, Attempt&);
  void take_slots(const Attempt&);
  void give_back_slots(const Attempt&);
  void limit(TrialId, const Attempt&);
  void schedule_word(double at, TrialId, const Attempt&, What, double heard);
  void start(TrialId, Attempt&);
  void step(TrialId, Attempt&);
  void schedule_step(TrialId, const Attempt&, std::optional<double> since = {});
  static std::int64_t next_step(const Attempt&);
  bool fail(TrialId, Attempt&);
  void report(TrialId, Attempt&, std::int64_t step);
  void save(TrialId, Attempt&);
  void leave(TrialId, Attempt&, Cause);
  void end(TrialId, Attempt&, Cause);  // The attempt is gone after it, unless it speaks again.
  void lose(std::size_t worker);
  void bring_back(std::size_t worker);
  void schedule_loss(std::size_t worker);
  void draw_fault(TrialId, Attempt&) const;
  Offer offer() const;
  Attempt* find(TrialId, int attempt);
  std::vector<TrialId> under_way() const;  // By number.
  int& newest(TrialId);

  const Spec& spec_;
  const bool by_instance_;  // An attempt is one step.
  std::unique_ptr<Problem> problem_;
  SimulatorOptions options_;
  std::shared_ptr<const std::vector<std::string>> metrics_;
  Time now_;
  std::vector<Worker> workers_;
  std::unordered_map<TrialId, Attempt> attempts_;  // Those that are not over, and late ones that will speak again.
  std::unordered_map<TrialId, Attempt> copies_;    // Of attempts, beside them.
  std::vector<int> newest_;                        // By trial: the number of its newest attempt.
  std::priority_queue<Event> events_;
  std::uint64_t order_ = 0;
  std::vector<Observation> out_;
  std::int64_t unacknowledged_ = 0;
  bool stuck_ = false;

  std::mutex mutex_;  // For the two below alone.
  std::condition_variable interrupted_;
  bool interrupt_ = false;
};

/// The simulator's options as a config gives them, checked and complete.
SimulatorOptions simulator_options(const Params& options, std::uint64_t seed);

ExecutorEntry simulator();

}  // namespace tune
