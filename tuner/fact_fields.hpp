// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/facts.hpp"

/// Each fact tells its fields once, by name, to a visitor. Its writer and its reader (facts_json.cpp) are two visitors, so the two
/// directions cannot disagree, and a new field is one line here. Names are those of the journal: they never change meaning.
namespace tune::detail {

/// A string that holds JSON text: written as JSON where it can be, so that SQL reaches into it.
template <class F>
struct JsonText {
  std::string F::*member;
};
template <class F>
JsonText<F> json(std::string F::*member) {
  return {member};
}

template <class F>
struct Of {};

inline void fields(Of<Configured>, auto&& v) {
  using F = Configured;
  v("config", json(&F::config)), v("space_hash", &F::space_hash), v("changes", &F::changes), v("by", &F::by);
}
inline void fields(Of<Opened>, auto&& v) {
  using F = Opened;
  v("version", &F::version), v("machine", &F::machine), v("host", &F::host), v("boot_id", &F::boot_id);
  v("pid", &F::pid), v("reason", &F::reason);
}
inline void fields(Of<Imported::Trial>, auto&& v) {
  using F = Imported::Trial;
  v("params", &F::params), v("state", &F::state), v("values", &F::values);
}
inline void fields(Of<Imported>, auto&& v) {
  using F = Imported;
  v("source", &F::source), v("matched", &F::matched), v("unmatched", &F::unmatched), v("trials", &F::trials);
}
inline void fields(Of<Requested>, auto&& v) {
  using F = Requested;
  v("id", &F::id), v("by", &F::by), v("via", &F::via), v("verb", &F::verb), v("trial", &F::trial);
  v("worker", &F::worker), v("params", &F::params), v("args", json(&F::args));
}
inline void fields(Of<Annotated>, auto&& v) {
  using F = Annotated;
  v("trial", &F::trial), v("tags_added", &F::tags_added), v("tags_dropped", &F::tags_dropped), v("note", &F::note);
  v("star", &F::star), v("by", &F::by);
}
inline void fields(Of<Device>, auto&& v) {
  using F = Device;
  v("index", &F::index), v("uuid", &F::uuid);
}
inline void fields(Of<Offer>, auto&& v) {
  using F = Offer;
  v("cpus", &F::cpus), v("memory_bytes", &F::memory_bytes), v("devices", &F::devices), v("custom", &F::custom);
}
inline void fields(Of<WorkerJoined>, auto&& v) {
  using F = WorkerJoined;
  v("worker", &F::worker), v("agent", &F::agent), v("name", &F::name), v("group", &F::group);
  v("allocation", &F::allocation), v("version", &F::version), v("offers", &F::offers), v("labels", &F::labels);
  v("deadline", &F::deadline);
}
inline void fields(Of<WorkerChanged>, auto&& v) {
  using F = WorkerChanged;
  v("worker", &F::worker), v("state", &F::state), v("offers", &F::offers), v("deadline", &F::deadline),
      v("why", &F::why);
}
inline void fields(Of<WorkerLost>, auto&& v) {
  using F = WorkerLost;
  v("worker", &F::worker), v("why", &F::why), v("proof", &F::proof);
}
inline void fields(Of<AllocationChanged>, auto&& v) {
  using F = AllocationChanged;
  v("allocation", &F::allocation), v("engine_id", &F::engine_id), v("state", &F::state), v("reason", &F::reason);
  v("nodes", &F::nodes), v("ends_at", &F::ends_at);
}
inline void fields(Of<Started>, auto&& v) {
  using F = Started;
  v("trial", &F::trial), v("attempt", &F::attempt), v("rank", &F::rank), v("worker", &F::worker), v("pid", &F::pid);
}
inline void fields(Of<Announced>, auto&& v) {
  using F = Announced;
  v("trial", &F::trial), v("attempt", &F::attempt), v("event", &F::event), v("caps", &F::caps), v("text", &F::text);
}
inline void fields(Of<Reported>, auto&& v) {
  using F = Reported;
  // The key is `n` and not `seq`: on a journal line `seq` is the record's.
  v("trial", &F::trial), v("attempt", &F::attempt), v("n", &F::seq), v("step", &F::step), v("metrics", &F::metrics);
  v("constraints", &F::constraints), v("cost", &F::cost), v("final", &F::final);
}
inline void fields(Of<Checkpointed>, auto&& v) {
  using F = Checkpointed;
  v("trial", &F::trial), v("attempt", &F::attempt), v("step", &F::step), v("checkpoint", &F::checkpoint);
  v("bytes", &F::bytes), v("seconds", &F::seconds), v("where", &F::where);
}
inline void fields(Of<CheckpointLost>, auto&& v) {
  using F = CheckpointLost;
  v("checkpoint", &F::checkpoint), v("why", &F::why);
}
inline void fields(Of<Updated>, auto&& v) {
  using F = Updated;
  v("trial", &F::trial), v("attempt", &F::attempt), v("step", &F::step);
}
inline void fields(Of<Usage>, auto&& v) {
  using F = Usage;
  v("seconds", &F::seconds), v("cpu_seconds", &F::cpu_seconds), v("peak_memory_bytes", &F::peak_memory_bytes);
}
inline void fields(Of<Exited>, auto&& v) {
  using F = Exited;
  v("trial", &F::trial), v("attempt", &F::attempt), v("cause", &F::cause), v("exit_code", &F::exit_code);
  v("signal", &F::signal), v("first_rank", &F::first_rank), v("usage", &F::usage), v("last_seq", &F::last_seq);
  v("text", &F::text);
}
inline void fields(Of<CopyExited>, auto&& v) {
  using F = CopyExited;
  v("trial", &F::trial), v("attempt", &F::attempt), v("cause", &F::cause), v("text", &F::text);
}
inline void fields(Of<Fenced>, auto&& v) {
  using F = Fenced;
  v("trial", &F::trial), v("attempt", &F::attempt), v("worker", &F::worker), v("what", &F::what), v("count", &F::count);
}
inline void fields(Of<Collected>, auto&& v) {
  using F = Collected;
  v("checkpoints", &F::checkpoints), v("bytes", &F::bytes);
}
inline void fields(Of<Warned>, auto&& v) {
  using F = Warned;
  v("code", &F::code), v("subject", &F::subject), v("text", &F::text);
}
inline void fields(Of<TimePassed>, auto&&) {}
inline void fields(Of<Supplied>, auto&& v) {
  using F = Supplied;
  v("name", &F::name), v("hash", &F::hash), v("bytes", &F::bytes), v("files", &F::files), v("path", &F::path);
}

inline void fields(Of<Rung>, auto&& v) {
  using F = Rung;
  v("bracket", &F::bracket), v("rung", &F::rung), v("step", &F::step), v("value", &F::value), v("rank", &F::rank);
  v("of", &F::of), v("cut", &F::cut);
}
inline void fields(Of<Seat>, auto&& v) {
  using F = Seat;
  v("worker", &F::worker), v("cpus", &F::cpus), v("memory_bytes", &F::memory_bytes), v("devices", &F::devices);
  v("device_share", &F::device_share), v("custom", &F::custom);
}
inline void fields(Of<Resources>, auto&& v) {
  using F = Resources;
  v("cpus", &F::cpus), v("gpus", &F::gpus), v("memory_bytes", &F::memory_bytes), v("custom", &F::custom);
}
inline void fields(Of<Propose>, auto&& v) {
  using F = Propose;
  v("trial", &F::trial), v("params", &F::params), v("source", &F::source), v("sampler", &F::sampler);
  v("as_of", &F::as_of), v("seconds", &F::seconds), v("parent", &F::parent), v("replicate_of", &F::replicate_of);
  v("priority", &F::priority), v("until_step", &F::until_step), v("chance", &F::chance);
}
inline void fields(Of<Launch>, auto&& v) {
  using F = Launch;
  v("trial", &F::trial), v("attempt", &F::attempt), v("form", &F::form), v("ranks", &F::ranks);
  v("until_step", &F::until_step), v("from", &F::from), v("params", &F::params), v("rung", &F::rung);
  v("speculative", &F::speculative);
}
inline void fields(Of<Speculate>, auto&& v) {
  using F = Speculate;
  v("trial", &F::trial), v("attempt", &F::attempt), v("ranks", &F::ranks), v("from", &F::from);
}
inline void fields(Of<EndCopy>, auto&& v) {
  using F = EndCopy;
  v("trial", &F::trial), v("attempt", &F::attempt);
}
inline void fields(Of<Extend>, auto&& v) {
  using F = Extend;
  v("trial", &F::trial), v("until_step", &F::until_step), v("rung", &F::rung);
}
inline void fields(Of<Pause>, auto&& v) {
  using F = Pause;
  v("trial", &F::trial), v("attempt", &F::attempt), v("rung", &F::rung);
}
inline void fields(Of<Stop>, auto&& v) {
  using F = Stop;
  v("trial", &F::trial), v("attempt", &F::attempt), v("as", &F::as), v("rung", &F::rung);
}
inline void fields(Of<Exploit>, auto&& v) {
  using F = Exploit;
  v("trial", &F::trial), v("donor", &F::donor), v("checkpoint", &F::checkpoint), v("step", &F::step);
  v("params", &F::params), v("in_place", &F::in_place), v("attempt", &F::attempt), v("until_step", &F::until_step);
}
inline void fields(Of<Update>, auto&& v) {
  using F = Update;
  v("trial", &F::trial), v("attempt", &F::attempt), v("params", &F::params), v("checkpoint", &F::checkpoint);
}
inline void fields(Of<Resize>, auto&& v) {
  using F = Resize;
  v("trial", &F::trial), v("resources", &F::resources);
}
inline void fields(Of<Retry>, auto&& v) {
  using F = Retry;
  v("trial", &F::trial), v("attempt", &F::attempt), v("not_before", &F::not_before), v("resources", &F::resources);
  v("from", &F::from);
}
inline void fields(Of<Settle>, auto&& v) {
  using F = Settle;
  v("trial", &F::trial), v("state", &F::state), v("cause", &F::cause), v("values", &F::values);
  v("feasible", &F::feasible), v("at_step", &F::at_step);
}
inline void fields(Of<Allocate>, auto&& v) {
  using F = Allocate;
  v("allocation", &F::allocation), v("key", &F::key), v("engine", &F::engine), v("spec", json(&F::spec));
}
inline void fields(Of<Release>, auto&& v) {
  using F = Release;
  v("allocation", &F::allocation), v("worker", &F::worker), v("how", &F::how);
}
inline void fields(Of<Collect>, auto&& v) {
  using F = Collect;
  v("checkpoints", &F::checkpoints);
}
inline void fields(Of<Finish>, auto&& v) {
  using F = Finish;
  v("exit_code", &F::exit_code), v("live_as", &F::live_as);
}
inline void fields(Of<Reason>, auto&& v) {
  using F = Reason;
  v("because", &F::because), v("by", &F::by), v("why", &F::why), v("note", json(&F::note));
}

/// Tells its fields: facts, and the parts that they are made of.
template <class T>
concept Described = requires {
  fields(Of<T>{}, [](auto&&...) {});
};

}  // namespace tune::detail
