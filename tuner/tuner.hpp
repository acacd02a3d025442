// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/executor.hpp"
#include "tuner/experiment.hpp"
#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "tuner/result.hpp"
#include "tuner/sampler.hpp"
#include "tuner/store.hpp"

namespace tune {

/// Whoever looks on: progress, metrics, the event stream. Called on the loop's thread; must not block.
class Watcher {
 public:
  virtual ~Watcher() = default;
  /// The record survives a crash. The history may already be ahead of it.
  virtual void on_durable(const Record&, const History&) {}
  /// After each turn, also the empty ones that a wake-up makes.
  struct Turn {
    double decide_seconds = 0;             ///< Folding observations and deciding.
    std::optional<double> commit_seconds;  ///< Oldest append that became durable in this turn.
    std::size_t observations = 0, decisions = 0;
    std::optional<Error> trouble;          ///< The store cannot write at present.
  };
  virtual void on_turn(const Turn&, const History&) {}
};

/// What other threads and processes want: commands by socket, the web page, signals.
class Inbox {
 public:
  virtual ~Inbox() = default;
  /// What came since the last call, in order (Requested, Annotated, Configured). Loop's thread.
  virtual std::vector<Observation> take() = 0;
  /// The request cannot be served; nothing was recorded.
  virtual void refuse(const Requested&, const Error&) = 0;
  /// The fact, one of those taken, is durable, and so are the decisions it led to in the same turn.
  virtual void recorded(const Observation&) = 0;
  enum class Ending { none, drain, stop, kill };
  /// How the person asked this process to end: let live trials finish; ask them to save and end; end them now.
  virtual Ending ending() const = 0;
};

/// Where proposals are computed: at once, or on a thread of the edge for a slow sampler.
class Proposer {
 public:
  struct Answer {
    TrialId trial;
    std::optional<Sampler::Proposal> proposal;
    double seconds = 0;
  };
  virtual ~Proposer() = default;
  /// Begins; the sampler is not touched by anyone until take() has given the answer. At most one at a time.
  virtual void begin(const Sampler&, TrialId, Rng) = 0;
  /// The answer if it is there; `block`: wait for it.
  virtual std::optional<Answer> take(bool block) = 0;
};

struct Outcome {
  /// reconfigured: a Configured was recorded; fold the journal again with policies of the new settings and go on.
  enum class End { finished, interrupted, killed, reconfigured } end = End::finished;
  int exit_code = 0;
};

/// How a run of the loop begins: with an executor that was just made, or with one whose trials go on.
enum class Begin { opening, going_on };

/// Where the loop meets the world.
struct Edges {
  Store& store;
  Executor& executor;
  Proposer& proposer;
  Inbox& inbox;
  Watcher& watcher;
};

/// The loop: folds observations, records decisions, and carries them out once they are durable.
///
/// `experiment` has folded the whole journal of `store`. Returns when the experiment is finished (or the inbox asked to end)
/// and everything is durable; an Error if the store fails for good, after live trials were ended.
Result<Outcome> run(Experiment& experiment, const Edges& edges, Begin begin = Begin::opening);

}  // namespace tune
