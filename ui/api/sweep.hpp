// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/config.hpp"
#include "tuner/registry.hpp"
#include "tuner/result.hpp"
#include "tuner/tuner.hpp"

/// The C++ facade: picks samplers, schedulers, executors and stores by name and runs an experiment with them. The command
/// line, the examples and user programs all come in through here.
namespace tune {

/// All tables, for the config reader.
const Catalogue& catalogue();

struct SweepOptions {
  std::string store;         ///< Database file; ":memory:" keeps nothing. Empty: the config's "store", else ./tune.db.
  enum class Resume { automatic, never } resume = Resume::automatic;
  bool takeover = false;     ///< Take the experiment from a live owner.
  bool allow_network_store = false;
  std::vector<Watcher*> watchers;  ///< Outlive the sweep.
};

/// One experiment owned by this process.
class Sweep {
 public:
  /// Opens or creates the experiment that `spec` names and folds its journal. Conflict: another process owns it, or its
  /// space changed in a way that would give old trials another meaning (E040).
  static Result<std::unique_ptr<Sweep>> open(Spec spec, SweepOptions options);
  /// Opens an existing experiment from the config in the store. not_found: no such store or experiment.
  static Result<std::unique_ptr<Sweep>> open_existing(const std::string& name, SweepOptions options);
  virtual ~Sweep() = default;

  virtual const History& history() const = 0;
  virtual const Spec& spec() const = 0;
  /// What opening meant: "new", "resume", and for a resumed one which settings changed.
  virtual std::string opened_as() const = 0;
  virtual std::string store_path() const = 0;

  /// To the end. Blocks. Once only.
  virtual Result<Outcome> run() = 0;
  /// Records one request while nobody runs the experiment (`tune cancel` on a finished one), decides what follows from it
  /// without launching anything, and returns when it is durable.
  virtual Result<Done> apply(std::vector<Observation>) = 0;

  /// Asks run() to end; each call may only get stricter. Any thread; not from a signal handler.
  virtual void end(Inbox::Ending) = 0;
};

}  // namespace tune
