// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "executors/link/authority.hpp"
#include "executors/link/join_file.hpp"
#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// Offers this machine, or a part of it, to a coordinator: dials out, takes leases, and runs them by the code of the process
/// executor. It has no port of its own.
///
/// What it was given is its own until it says that it ended: a broken connection, or a coordinator that is killed, changes
/// nothing for as long as the lease lasts. It keeps what happened, up to a limit beyond which trials wait for their reports to be taken,
/// and says it again until it is acknowledged. At the end of the lease it ends its trials by itself.
///
/// run() has a thread for each experiment besides its own. Its guard (executors/pool/guard.hpp) is started by whoever
/// makes it, before any thread.
class Agent {
 public:
  struct Settings {
    JoinFile join;
    std::string id;       ///< 128 random bits in hexadecimal; a new one for each process.
    std::string folder;   ///< For what its trials write where it does not see the coordinator's disk. Made on demand.
    std::int64_t cache = 20LL << 30;  ///< Bytes of what was brought for trials that stay when no experiment uses them.
    bool own_disk = false;  ///< They write there even if it does.
    WorkerJoined offer;   ///< Name, group, allocation, what it offers, labels, deadline.
    double idle = 0;      ///< Seconds without a trial after which it goes; 0: it stays.
    double patience = 0;  ///< Seconds for which it looks for a coordinator that went away, without trials; 0: for ever.
    double margin = 60;   ///< Seconds before the deadline when its trials save and leave.
    std::function<Result<Spec>(const std::string& config)> read_settings;
    std::function<void(const std::string& line)> tell;  ///< For people. Any thread.
    // For the guard:
    std::function<void(const Credentials&)> admitted;   ///< By which it shows who it is from now on.
    std::function<void(double until)> living;           ///< Its trials may live until then (CLOCK_BOOTTIME).
  };

  /// Joins. Errors: those of join().
  static Result<std::unique_ptr<Agent>> join(Settings);
  ~Agent();

  /// Until it is dismissed, idle, out of time or asked to leave. Nothing of its trials is left when it returns.
  void run();
  /// Takes nothing new, lets its trials save and leave, and goes; `kill`: they end at once. Any thread.
  void leave(const std::string& why, bool kill);

 private:
  class Inside;
  explicit Agent(std::unique_ptr<Inside>);
  std::unique_ptr<Inside> inside_;
};

}  // namespace tune
