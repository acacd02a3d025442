// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "tuner/ids.hpp"
#include "tuner/resources.hpp"
#include "tuner/time.hpp"
#include "tuner/value.hpp"

/// The whole vocabulary, version 1. An experiment is a fold over these records. An *observation* is what the world told
/// us; a *decision* is what we chose. Fields are only ever added; docs/formats/facts.md is the reference.
/// Trials count from 0, attempts from 1, Reported.seq from 1 within an attempt.
namespace tune {

/// JSON text. A policy's lasting memory: it travels in the decision, so it is in the journal and visible to people.
using Note = std::string;

/// A step bound that is never reached.
inline constexpr std::int64_t kNoStep = INT64_MAX;

enum class TrialState : std::uint8_t { queued, leased, running, paused, complete, stopped, failed, infeasible, cancelled };
std::string_view to_text(TrialState);
std::optional<TrialState> trial_state(std::string_view text);
inline bool is_final(TrialState s) { return s >= TrialState::complete; }

/// Why an attempt ended. Up to `cancelled` it ended as we asked; from `shutdown` to `overtaken` nobody is to blame, the trial
/// goes back to the queue and its retry count is untouched; the rest are failures of the attempt.
enum class Cause : std::uint8_t {
  done, paused, stopped, exploited, cancelled,
  shutdown, preempted, lost, refused, disk, overtaken,
  exit, signal, oom, timeout, silence, exec, gang, nan, no_metric, infeasible
};
std::string_view to_text(Cause);
std::optional<Cause> cause(std::string_view text);
inline bool is_blameless(Cause c) { return c >= Cause::shutdown && c <= Cause::overtaken; }
inline bool is_failure(Cause c) { return c >= Cause::exit && c != Cause::infeasible; }

/// A trial's crossing of a rung, the same object for every scheduler.
struct Rung {
  int bracket = 0;
  int rung = 0;
  std::int64_t step = 0;
  double value = 0;        ///< As the user reported it, not negated.
  std::int64_t rank = 0;   ///< From 1, best first, among `of` recorded at the rung when it was decided.
  std::int64_t of = 0;
  double cut = 0;          ///< Worst value that passes; NaN while nothing does.
  bool operator==(const Rung&) const;  ///< NaN equals NaN.
};

// --- observations ---------------------------------------------------------------------------------------------------

/// The experiment exists, or its settings changed. `config` is whole and effective (defaults filled in).
struct Configured {
  std::string config;
  std::string space_hash;
  std::string changes;  ///< For people: "stop.trials 60 -> 100"; empty at creation.
  std::string by;
  bool operator==(const Configured&) const = default;
};

/// A process took the experiment over; attempts under way elsewhere ended as `lost` unless their agent confirms them.
struct Opened {
  std::string version, machine, host, boot_id;
  std::int64_t pid = 0;
  std::string reason;  ///< new, resume, takeover
  bool operator==(const Opened&) const = default;
};

struct Imported {
  std::string source;
  std::vector<std::string> matched, unmatched;
  struct Trial {
    Params params;
    TrialState state = TrialState::complete;
    std::vector<double> values;
    bool operator==(const Trial&) const = default;
  };
  std::vector<Trial> trials;
  bool operator==(const Imported&) const = default;
};

/// A person or a client asked for something. Decisions answer it; by itself it changes nothing but priorities.
struct Requested {
  std::int64_t id = 0;
  std::string by, via, verb;
  std::optional<TrialId> trial;
  std::optional<WorkerId> worker;
  Params params;        ///< For enqueue, retry, clone, set.
  std::string args;     ///< JSON object with the rest.
  bool operator==(const Requested&) const = default;
};

struct Annotated {
  std::optional<TrialId> trial;  ///< Absent: the experiment.
  std::vector<std::string> tags_added, tags_dropped;
  std::optional<std::string> note;
  std::optional<bool> star;
  std::string by;
  bool operator==(const Annotated&) const = default;
};

struct WorkerJoined {
  WorkerId worker;
  std::string agent, name, group, allocation, version;
  Offer offers;
  std::vector<std::string> labels;
  std::optional<Time> deadline;
  bool operator==(const WorkerJoined&) const = default;
};

struct WorkerChanged {
  WorkerId worker;
  std::string state;  ///< ready, suspect, draining, cordoned, quarantined
  std::optional<Offer> offers;
  std::optional<Time> deadline;
  std::string why;
  bool operator==(const WorkerChanged&) const = default;
};

struct WorkerLost {
  WorkerId worker;
  std::string why, proof;
  bool operator==(const WorkerLost&) const = default;
};

struct AllocationChanged {
  std::int64_t allocation = 0;
  std::string engine_id, state, reason, nodes;
  std::optional<Time> ends_at;
  bool operator==(const AllocationChanged&) const = default;
};

struct Started {
  TrialId trial;
  int attempt = 0;
  int rank = 0;
  WorkerId worker;
  std::int64_t pid = 0;
  bool operator==(const Started&) const = default;
};

struct Announced {
  TrialId trial;
  int attempt = 0;
  std::string event;  ///< ready, saving, warn, artifact
  std::vector<std::string> caps;
  std::string text;
  bool operator==(const Announced&) const = default;
};

/// A report. Recorded exactly once by (trial, attempt, seq). Stored as a typed row, not as JSON.
struct Reported {
  TrialId trial;
  int attempt = 0;
  std::int64_t seq = 0;
  std::int64_t step = 0;
  Metrics metrics;
  std::vector<double> constraints;  ///< Feasible when every one is <= 0.
  std::optional<double> cost;
  bool final = false;
  bool operator==(const Reported&) const = default;
};

/// A checkpoint is safe: files and manifest are on disk under their hash.
struct Checkpointed {
  TrialId trial;
  int attempt = 0;
  std::int64_t step = 0;
  std::string checkpoint;  ///< Hash of the manifest.
  std::int64_t bytes = 0;
  double seconds = 0;
  std::string where;
  bool operator==(const Checkpointed&) const = default;
};

struct CheckpointLost {
  std::string checkpoint, why;
  bool operator==(const CheckpointLost&) const = default;
};

struct Updated {
  TrialId trial;
  int attempt = 0;
  std::int64_t step = 0;
  bool operator==(const Updated&) const = default;
};

/// What an attempt used, as far as the edge could tell.
struct Usage {
  double seconds = 0, cpu_seconds = 0;
  std::int64_t peak_memory_bytes = 0;
  bool operator==(const Usage&) const = default;
};

/// An attempt is over. Exactly one per attempt.
struct Exited {
  TrialId trial;
  int attempt = 0;
  Cause cause = Cause::done;
  std::optional<int> exit_code;
  std::optional<int> signal;
  int first_rank = 0;
  Usage usage;
  std::int64_t last_seq = 0;
  std::string text;  ///< For people: "No such file or directory: ./train", last log line. May be empty.
  bool operator==(const Exited&) const = default;
};

/// A copy of an attempt (Speculate) is over, before it could take the attempt's place.
struct CopyExited {
  TrialId trial;
  int attempt = 0;
  Cause cause = Cause::lost;
  std::string text;  ///< For people. May be empty.
  bool operator==(const CopyExited&) const = default;
};

struct Fenced {
  TrialId trial;
  int attempt = 0;
  WorkerId worker;
  std::string what;
  std::int64_t count = 1;
  bool operator==(const Fenced&) const = default;
};

struct Collected {
  std::vector<std::string> checkpoints;
  std::int64_t bytes = 0;
  bool operator==(const Collected&) const = default;
};

/// What trials are given, by its content: an input, or the program's code.
struct Supplied {
  std::string name;  ///< "inputs.digits", "code"
  std::string hash;  ///< Of the manifest, which lists its files.
  std::int64_t bytes = 0, files = 0;
  std::string path;  ///< Where it was found.
  bool operator==(const Supplied&) const = default;
};

struct Warned {
  std::string code, subject, text;
  bool operator==(const Warned&) const = default;
};

struct TimePassed {
  bool operator==(const TimePassed&) const = default;
};

using Observation =
    std::variant<Configured, Opened, Imported, Requested, Annotated, WorkerJoined, WorkerChanged, WorkerLost,
                 AllocationChanged, Started, Announced, Reported, Checkpointed, CheckpointLost, Updated, Exited, Fenced,
                 Collected, Warned, TimePassed, Supplied, CopyExited>;

// --- decisions ------------------------------------------------------------------------------------------------------

/// A trial exists from here on, queued.
struct Propose {
  TrialId trial;
  Params params;
  std::string source;   ///< sampler, point, enqueued, clone, confirm, ask
  std::string sampler;  ///< Which sampler spoke; empty if none did.
  std::int64_t as_of = 0;  ///< The last record the sampler had learned (in logical order: how many events).
  double seconds = 0;      ///< Spent proposing.
  std::optional<TrialId> parent, replicate_of;
  std::int64_t priority = 0;
  std::int64_t until_step = 0;  ///< In logical order only: the steps granted with the virtual slot.
  std::optional<double> chance = {};  ///< Of a sampler with a model: that an improvement worth the name is still found.
  bool operator==(const Propose&) const = default;
};

enum class Form : std::uint8_t { fresh, resume, restart };
std::string_view to_text(Form);

/// Start an attempt. Executors are idempotent in (trial, attempt).
struct Launch {
  TrialId trial;
  int attempt = 0;
  Form form = Form::fresh;
  std::vector<Seat> ranks;
  std::int64_t until_step = kNoStep;
  std::optional<std::string> from;     ///< Checkpoint to restore.
  std::optional<Params> params;        ///< If they changed since Propose.
  std::optional<Rung> rung;            ///< The crossing that a promotion answers.
  bool speculative = false;            ///< It was begun as a copy: Speculate.
  bool operator==(const Launch&) const = default;
};

/// Start a copy of the trial's attempt beside it, on another worker: whichever ends first counts. What the copy does is no fact before
/// a Launch of the same attempt number makes it the trial's attempt, from its beginning on.
struct Speculate {
  TrialId trial;
  int attempt = 0;                  ///< The copy's: above any that the trial had.
  std::vector<Seat> ranks;
  std::optional<std::string> from;  ///< Checkpoint to restore.
  bool operator==(const Speculate&) const = default;
};

/// The copy is not needed any more and ends. Its seats are free at once.
struct EndCopy {
  TrialId trial;
  int attempt = 0;
  bool operator==(const EndCopy&) const = default;
};

/// A running trial may go on.
struct Extend {
  TrialId trial;
  std::int64_t until_step = kNoStep;
  std::optional<Rung> rung;
  bool operator==(const Extend&) const = default;
};

/// Save and leave the slot. The trial is paused once it has exited.
struct Pause {
  TrialId trial;
  int attempt = 0;
  std::optional<Rung> rung;
  bool operator==(const Pause&) const = default;
};

/// The attempt is asked to end and the trial will be settled as `as`: `stopped` by a scheduler, `cancelled` by a person,
/// `complete` when it has done all the steps that were wanted.
struct Stop {
  TrialId trial;
  int attempt = 0;
  TrialState as = TrialState::stopped;
  std::optional<Rung> rung;
  bool operator==(const Stop&) const = default;
};

/// The trial goes on from another one's checkpoint with other parameters. Its attempt, if one is under way, ends; what that
/// still reports does not count. The checkpoint is needed from this record on.
struct Exploit {
  TrialId trial, donor;
  std::string checkpoint;
  std::int64_t step = 0;        ///< Of the checkpoint: where the trial stands from now on.
  Params params;
  bool in_place = false;
  int attempt = 0;              ///< The one that ends; the newest one, whether it is under way or not.
  std::int64_t until_step = kNoStep;
  bool operator==(const Exploit&) const = default;
};

struct Update {
  TrialId trial;
  int attempt = 0;
  Params params;
  std::optional<std::string> checkpoint;
  bool operator==(const Update&) const = default;
};

/// The trial gets other resources: at once if it waits, else a Pause follows and it goes on with them.
struct Resize {
  TrialId trial;
  Resources resources;
  bool operator==(const Resize&) const = default;
};

/// Back to the queue after a failure, or from a final state when a person asks: the one way out of a final state.
struct Retry {
  TrialId trial;
  int attempt = 0;  ///< The attempt that failed.
  std::optional<Time> not_before;
  std::optional<Resources> resources;
  std::optional<std::string> from;
  bool operator==(const Retry&) const = default;
};

/// The trial's final state and value. One per trial unless a person retries it, or replicates follow: then another one
/// with the reduced value.
struct Settle {
  TrialId trial;
  TrialState state = TrialState::complete;
  Cause cause = Cause::done;
  std::vector<double> values;  ///< One per objective, as reported (reduced); empty if it never reported them.
  bool feasible = true;        ///< Outcome constraints hold.
  std::int64_t at_step = 0;
  bool operator==(const Settle&) const;  ///< NaN equals NaN.
};

struct Allocate {
  std::int64_t allocation = 0;
  std::string key, engine, spec;
  bool operator==(const Allocate&) const = default;
};

struct Release {
  std::optional<std::int64_t> allocation;
  std::optional<WorkerId> worker;
  std::string how;  ///< Of an allocation: drain, cancel. Of a worker: cordon, uncordon, drain.
  bool operator==(const Release&) const = default;
};

/// Nothing needs these checkpoints any more: their files may go. From this record on nobody may refer to them.
struct Collect {
  std::vector<std::string> checkpoints;
  bool operator==(const Collect&) const = default;
};

/// No new trials; the experiment is over once nothing is under way. A Configured with more budget reopens it.
struct Finish {
  int exit_code = 0;
  std::optional<TrialState> live_as;  ///< Live trials are asked to end and settled so; absent: they may finish.
  bool operator==(const Finish&) const = default;
};

using Decision = std::variant<Propose, Launch, Extend, Pause, Stop, Exploit, Update, Resize, Retry, Settle, Allocate,
                              Release, Collect, Finish, Speculate, EndCopy>;

/// Who chose, on which fact, and why: one sentence for people and the policy's own note.
struct Reason {
  Seq because = 0;
  std::string by;
  std::string why;
  Note note;
  bool operator==(const Reason&) const = default;
};

struct Decided {
  Decision what;
  Reason reason;
  bool operator==(const Decided&) const = default;
};

namespace detail {
template <class F, class Variant>
inline constexpr bool is_one_of = false;
template <class F, class... Kinds>
inline constexpr bool is_one_of<F, std::variant<Kinds...>> = (std::is_same_v<F, Kinds> || ...);
}  // namespace detail

/// One line of the journal.
struct Record {
  Seq seq = 0;
  Time at;
  std::int64_t epoch = 0;  ///< Of the owner that wrote it.
  std::variant<Observation, Decided> fact;
  bool operator==(const Record&) const = default;

  const Observation* observation() const { return std::get_if<Observation>(&fact); }
  const Decided* decided() const { return std::get_if<Decided>(&fact); }
  /// The fact if it is an F, else null. F is any observation or decision.
  template <class F>
  const F* as() const {
    if constexpr (detail::is_one_of<F, Observation>) {
      const auto* o = observation();
      return o ? std::get_if<F>(o) : nullptr;
    } else {
      const auto* d = decided();
      return d ? std::get_if<F>(&d->what) : nullptr;
    }
  }
};

/// "Reported", "Launch": the name of the fact's kind.
std::string_view kind(const Record&);
/// The trial that the fact is about, if it is about one.
std::optional<TrialId> trial_of(const Record&);

}  // namespace tune
