// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "executors/checkpoints.hpp"
#include "executors/descriptor.hpp"
#include "tuner/facts.hpp"
#include "tuner/spec.hpp"
#include "tuner/time.hpp"

namespace tune {

/// Everything about one worker's live attempts: starts their programs, reads what they report, tells them what was decided,
/// keeps their logs, takes over their checkpoints, watches their time, and sees to it that nothing of them is left when they
/// end. It knows orders and observations, never the experiment: a remote agent uses the same.
///
/// One thread calls everything (interrupt() excepted) and does all the work inside wait(); checkpoints are hashed and
/// synced on one thread more. Exactly one Exited per order, after everything else of that attempt.
class Supervisor {
 public:
  /// What holds for every attempt.
  struct Settings {
    std::string experiment;                  ///< For names of cgroups.
    Checkpoints checkpoints{""};
    ReportSpec report;
    std::vector<std::string> objectives;     ///< A report that carries all of them may be the one a decision is due on.
    std::optional<Duration> trial_time, trial_idle;  ///< Per attempt. They stand still while we are the slow side.
    std::optional<std::int64_t> checkpoint_every;    ///< Ask for one each time this many steps have passed.
    ShutdownSpec shutdown;
    bool cgroups = false;
    std::size_t most_waiting = 2000;         ///< Observations that may wait to be taken; then reading stops and trials block.
  };

  /// One attempt to start.
  struct Order {
    TrialId trial;
    int attempt = 0;
    WorkerId worker{0};
    std::vector<std::string> argv, env;      ///< env is whole: NAME=value.
    std::string cwd;
    std::string folder;                      ///< For its logs; made by the first byte.
    std::string checkpoint_folder;           ///< Where checkpoints that it names stand.
    std::string token;                       ///< Value of TUNE_ATTEMPT_TOKEN in env.
    std::string socket_token;                ///< Value of TUNE_TOKEN in env; empty: may not come by the socket.
    std::string result_file;                 ///< Absolute; empty: none.
    Descriptor params;                       ///< Held until the attempt is over: env may name it.
    std::int64_t until_step = kNoStep;
    std::optional<std::int64_t> only_step;   ///< All that it reports is of this step: it was started for that alone.
    std::int64_t memory_bytes = 0;
    bool can_save = false;                   ///< A pause is worth telling apart from a stop.
    bool may_be_silent = false;              ///< trial_idle is not for it.
  };

  explicit Supervisor(Settings);
  /// Kills what still lives.
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  /// Seconds since the epoch when we began, and from then on only forward, also through suspend.
  Time now() const;

  /// Started, or Exited{exec, refused}, is waiting when this returns.
  void start(Order);
  std::size_t live() const;
  bool is_live(TrialId) const;

  /// Asks an attempt to end; its Exited will have this cause (paused, stopped, done, cancelled, exploited, shutdown). To a
  /// program that speaks the protocol it is a command, to any other shutdown.signal; after shutdown.grace it is SIGKILL. A
  /// later ask changes nothing. Unknown attempts are ignored.
  void ask(TrialId, int attempt, Cause, const std::string& why);
  void kill(TrialId, int attempt, Cause, const std::string& why);
  /// It may go on up to this step.
  void extend(TrialId, std::int64_t until_step, const std::string& why);
  /// New parameters in the running program, which said that it can.
  void update(TrialId, int attempt, const Params&, const std::optional<std::string>& checkpoint_path);
  /// Report `seq` is durable: a `sync` is answered, once.
  void acknowledge(TrialId, int attempt, std::int64_t seq);

  /// Runs on the thread for slow things; `done` then runs inside wait().
  void in_background(std::function<std::function<void()>()> slow);
  /// An observation made by the caller, in order with ours.
  void observe(Observation);

  /// Blocks until something was observed, `until` has come or interrupt() was called.
  std::vector<Observation> wait(std::optional<Time> until);
  void interrupt();

  /// Path of the Unix socket for TUNE_SOCK; empty if it could not be made.
  const std::string& socket_path() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace tune
