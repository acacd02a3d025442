// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "tuner/registry.hpp"
#include "tuner/result.hpp"

namespace tune {

/// Carries decisions out and tells what happened. The only place where trials meet the world.
///
/// All calls come from the loop's thread, except interrupt(). Decisions arrive after they are durable. The executor may be
/// given more launches than fit (decided ahead, so that a slot never waits for a commit): it queues them and starts each
/// when its resources are free, resumed trials first.
class Executor {
 public:
  virtual ~Executor() = default;

  /// This edge's clock; never goes back.
  virtual Time now() const = 0;

  /// Once, after the journal was folded and before anything else: what this executor offers (WorkerJoined), and for every
  /// attempt that the history holds for running either adopts it or ends what is left of it and returns its Exited{lost}.
  /// Attempts that are leased but never started are launched again through carry_out.
  virtual std::vector<Observation> open(const History&) = 0;

  /// Never blocks; idempotent in (trial, attempt). Decisions that are not its business are ignored. Trouble comes back as
  /// an observation (Exited with cause exec, refused, …), never as an exception.
  virtual void carry_out(const Decided&, const History&) = 0;

  /// This observation is durable: answer a `sync` report, let an agent forget it.
  virtual void acknowledge(const Observation&) = 0;

  /// Blocks until something happened, `until` has come or interrupt() was called; what happened, in order. With nothing
  /// live and `until` empty it waits for interrupt().
  virtual std::vector<Observation> wait(std::optional<Time> until) = 0;

  /// Makes a wait() under way, or the next one, return at once. Any thread, async-signal-safe not required.
  virtual void interrupt() = 0;

  /// The person asked to end: ask every live attempt to save and end (`kill`: at once). Exited{shutdown} follows for each.
  virtual void shut_down(bool kill) = 0;
};

/// What is left for a user to choose about an executor's surroundings.
struct ExecutorContext {
  const Spec& spec;        ///< Outlives the executor.
  std::string folder;      ///< <store>.d/<experiment>, made on demand; empty for a memory store.
  std::string checkpoints; ///< <store>.d/checkpoints
  std::string url = {};    ///< Of the server by which trials may report as well; empty: there is none.
  std::string secret = {}; ///< That the server checks their tokens by.
  std::string authority = {}; ///< File of the certificate (PEM) by which the server is known; empty: none of ours.
  const History* history = nullptr; ///< Folded so far, for whoever makes the executor; null: nothing was.
};

struct ExecutorEntry {
  PolicyInfo info;
  Result<std::unique_ptr<Executor>> (*make)(const ExecutorContext&);
  /// What make() would refuse of the options whatever the machine, for the config to say. Null: nothing beyond their table. A message
  /// that begins with the path of an option ("executor.image: …") is shown at it.
  Result<Done> (*check)(const Spec&) = nullptr;
};

}  // namespace tune
