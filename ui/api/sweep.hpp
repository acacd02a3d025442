// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/tuner.hpp"
#include "ui/api/inbox.hpp"
#include "ui/api/policies.hpp"

/// The C++ facade: picks samplers, schedulers, executors and stores by name and runs an experiment with them. The command
/// line, the examples and user programs all come in through here.
namespace tune {

class Turn;  // ui/api/turn.hpp

struct SweepOptions {
  std::string store;         ///< Database file; ":memory:" keeps nothing. Empty: the config's "store", else ./tune.db.
  enum class Resume { automatic, never } resume = Resume::automatic;  ///< never: a new experiment, NAME-2 if NAME is taken.
  bool takeover = false;     ///< Take the experiment from a live owner.
  bool allow_network_store = false;
  Duration patience{0};      ///< How long to wait for another owner to let go before it is a conflict.
  std::string by = "user";   ///< Who asks, for the record.
  std::vector<Watcher*> watchers;  ///< Outlive the sweep.
  std::string url;           ///< "http://127.0.0.1:7740": of this store's server, by which trials may report as well.
  std::string secret;        ///< The store's token; goes with `url`.
  std::string authority;     ///< Path of the certificate (PEM) by which that server is known; empty: none of ours.
};

/// One experiment owned by this process, from open() to destruction. One thread, except where it says any.
class Sweep {
 public:
  /// Opens or creates the experiment that `spec` names and folds its journal. conflict: another process owns it, or its
  /// settings changed in a way that would give old trials another meaning (E040).
  static Result<std::unique_ptr<Sweep>> open(Spec spec, SweepOptions options);
  /// Opens an existing experiment with the settings that its journal holds. not_found: no such store or experiment.
  static Result<std::unique_ptr<Sweep>> open_existing(const std::string& name, SweepOptions options);
  ~Sweep();

  const History& history() const;
  const Experiment& experiment() const;
  const Spec& spec() const;
  /// It has records from before this open().
  bool resumed() const;
  /// What changed in the settings since then, one "key: old -> new" a line; empty: nothing.
  const std::string& changes() const;
  const std::string& store_path() const;
  /// `<store>.d/<name>`; empty for a memory store.
  std::string folder() const;

  /// To the end. Blocks. Once only.
  Result<Outcome> run();

  /// Records wishes while nobody runs the experiment, and the decisions that follow from them, without launching anything;
  /// returns when they are durable. The first objection ends it, with nothing recorded from there on.
  Result<Done> apply(std::vector<Observation> wishes);

  /// One turn of an experiment that run() does not run: what `what` records becomes durable before this returns, also if
  /// it ends with an error. An error of the store leaves the fold ahead of the journal: open the experiment anew.
  Result<Done> turn(const std::function<Result<Done>(Turn&)>& what);
  /// Records what open() found new without running anything: the settings or their change, and what was taken over from
  /// other experiments. run() does this by itself.
  Result<Done> record_settings();

  /// A wish while run() is under way. Any thread. `reply` is called on the loop's thread once it is durable or refused.
  void put(Observation wish, ThreadSafeInbox::Reply reply = {});
  /// Asks run() to end; only ever gets stricter. Any thread; not from a signal handler.
  void end(Inbox::Ending);

  /// New settings for an experiment under way: reads `key=value` (as `--set`), checks them as a whole and puts the
  /// Configured that run() goes on with. Any thread.
  Result<Done> set(const std::vector<std::string>& assignments, const std::string& by, ThreadSafeInbox::Reply reply = {});

 private:
  class Open;
  explicit Sweep(std::unique_ptr<Open>);
  std::unique_ptr<Open> open_;
};

}  // namespace tune
