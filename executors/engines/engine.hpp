// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/registry.hpp"
#include "tuner/resources.hpp"
#include "tuner/result.hpp"
#include "tuner/time.hpp"
#include "tuner/value.hpp"

/// Engines place agents on machines; what the agents do there is not their business. One *allocation* is what an engine is asked
/// for at a time: a number of agents, each on a node of its own. Nothing here knows trials or the agents' protocol.
namespace tune {

/// What one allocation shall be. Its JSON stands in the journal (Allocate.spec), so that it can be asked for again after a crash.
struct AgentSpec {
  Resources per_agent;        ///< What each agent shall have. memory_bytes 0: the engine's default.
  int agents = 1;             ///< One a node.
  bool gang = false;          ///< They are only of use together; an engine that cannot promise that says so in check().
  Duration walltime;          ///< 0: the engine's default.
  Duration margin{120};       ///< Before the walltime's end: when agents let their trials save and leave.
  std::string join_file;      ///< Absolute path, readable on the nodes. Its content never meets an argv or an environment.
  std::string program;        ///< The agents' program: absolute path on the nodes.
  std::vector<std::string> arguments = {};        ///< After `agent --join FILE`.
  std::map<std::string, std::string> labels = {}; ///< Shown by engines that show any.
  std::vector<std::string> site_args = {};        ///< Verbatim, after our own: partition, account, …
  bool operator==(const AgentSpec&) const = default;
};

std::string to_json(const AgentSpec&);
/// Error (corrupt): not what to_json wrote. Total on any bytes.
Result<AgentSpec> agent_spec(std::string_view json);

/// PROGRAM agent --join FILE and the further arguments: what every engine starts, `agents` times.
std::vector<std::string> agent_command(const AgentSpec&);

/// How an allocation is called. The key is ours: chosen by chance, recorded before anything is submitted, never used again.
/// 1 to 40 lower-case letters, digits and `-`, beginning with a letter and not ending with `-`. The id is the engine's; empty while it was never learned.
struct AllocationName {
  std::string key, id;
  bool operator==(const AllocationName&) const = default;
};
bool is_key(std::string_view text);

/// submitted: the engine took it and says no more yet. queued: waits for room. running, ending: agents live, or may still live.
/// ended, failed, lost: over; by itself or on request, by a fault of what was asked for, or by the engine (node gone, preempted).
enum class AllocationState : std::uint8_t { submitted, queued, running, ending, ended, failed, lost, unknown };
std::string_view to_text(AllocationState);
std::optional<AllocationState> allocation_state(std::string_view text);
inline bool is_over(AllocationState s) {
  return s == AllocationState::ended || s == AllocationState::failed || s == AllocationState::lost;
}

/// An allocation as its engine sees it now. What the engine says is a hint: who lives is known from the agents themselves.
struct Allocation {
  AllocationName name;
  AllocationState state = AllocationState::unknown;
  /// With unknown: true if the engine answered and has no such allocation, false if it could not be asked or said a word
  /// that we do not know. The first, often enough, means that it is over; the second means nothing.
  bool missing = false;
  std::string reason = {};              ///< The engine's own words: why it waits, how it ended, why nothing is known. May be empty.
  std::vector<std::string> nodes = {};
  std::optional<Time> end = {};         ///< When its walltime is over.
  bool operator==(const Allocation&) const = default;
};

/// An engine that places agents: one implementation each for Slurm, Ray, Kubernetes and for whatever has a command line.
///
/// Every verb may block for as long as the engine takes (each is bounded, about a minute at most): call it from a thread
/// that may wait, one call at a time per engine. Nothing throws. An Error has the engine's own words and a next step:
/// `invalid` if asking again is of no use before something is changed, `unreachable` if it may be later.
class Engine {
 public:
  virtual ~Engine() = default;

  /// Would the engine ever grant this? A dry run; nothing is left behind.
  virtual Result<Done> check(const AgentSpec&) = 0;

  /// Asks for the allocation and answers the engine's id. Idempotent by key: if the engine has (or had, and remembers) one
  /// of this key, its id is the answer and nothing is submitted. So after a crash, or after an Error that leaves
  /// open whether it was submitted, submit the same again. If the engine cannot be asked for the key, nothing is submitted.
  virtual Result<std::string> submit(const AgentSpec&, const std::string& key) = 0;

  /// What became of these, in their order, one answer each, in as few calls of the engine as it allows. What cannot be
  /// learned is unknown.
  virtual std::vector<Allocation> list(std::span<const AllocationName>) = 0;

  /// Ends it, agents included. Done as well if it is over, or was never there.
  virtual Result<Done> cancel(const AllocationName&) = 0;

  /// The last `lines` lines of what its agents printed: why one never called home. Error not_found: there is no log (yet).
  virtual Result<std::string> logs(const AllocationName&, int lines) = 0;
};

/// What an engine is made from.
struct EngineContext {
  Params options;      ///< Of its table entry, defaults filled in.
  std::string folder;  ///< Absolute; for scripts and logs. Shared with the nodes, or their logs are not seen here. Made on demand.
};

/// An engine's line in the table.
struct EngineEntry {
  PolicyInfo info;
  Result<std::unique_ptr<Engine>> (*make)(const EngineContext&);
};

/// Every engine, by the name that `executor.type` gives. A new one is a file here, a line in all.cpp and a page in
/// docs/executors.
std::span<const EngineEntry> engines();

namespace detail {

/// What engines have in common.

/// Text as one word of a POSIX shell, quoted only where it must be.
std::string shell_word(std::string_view text);
/// An argv as one line of a shell.
std::string shell_line(std::span<const std::string> argv);
/// The last `lines` lines of a file, at most 64 KiB. Error not_found: there is no such file.
Result<std::string> tail_of_file(const std::string& path, int lines);
std::string tail_of_text(std::string_view text, int lines);
/// Text without white space at its ends.
std::string_view trimmed(std::string_view text);

}  // namespace detail
}  // namespace tune
