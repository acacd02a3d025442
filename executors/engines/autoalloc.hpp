// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "executors/engines/engine.hpp"
#include "tuner/facts.hpp"

/// How many agents to ask an engine for, and when. Pure: no clock, thread or file; the same facts give the same answers.
namespace tune {

struct AutoallocSettings {
  std::string engine;         ///< Its name, for the facts.
  std::string prefix;         ///< Keys are PREFIX-NUMBER. Chosen by chance, once per process: two tuners never share a key.
  AgentSpec spec;             ///< Of each allocation, but for its join file.
  std::string join_folder;    ///< An allocation's join file is KEY.json in it; whoever submits writes it.
  int min_agents = 0;         ///< Are kept whether there is work or not.
  int max_agents = 1;         ///< Of all allocations together that are not over; never exceeded.
  int backlog = 1;            ///< At most so many allocations wait in the engine's queue.
  int trials_per_agent = 1;   ///< How many fit one agent, at least 1.
  Duration idle{300};         ///< An allocation whose agents have nothing to do for so long is let go.
  Duration call_home{300};    ///< From the start of an allocation to its first agent; then it is given up.
};

/// Error (invalid): settings by which nothing could ever be asked for.
Result<Done> check(const AutoallocSettings&);

/// What the experiment could use now.
struct AgentDemand {
  std::int64_t trials = 0;                  ///< Running, and waiting for nothing but room, that fit an agent.
  int ranks = 1;                            ///< Of each of them; each has a seat of its own.
  std::optional<Time> quiet_since = {};     ///< Since when no trial waits for room; absent: one does.
  std::map<WorkerId, Time> idle_since = {}; ///< Workers without a trial.
};

/// Learns the journal's facts about allocations and workers, and answers what to ask for and what to let go. A decision must
/// be recorded (and so learned) before it is carried out; asked again before, it is given again.
///
/// After a failed submission, and after an allocation none of whose agents called home, the next one waits 0, 1, 15, 30,
/// then 60 minutes; after 10 of the first or 3 of the second in a row nothing is asked for until the experiment is opened or
/// configured again. Not thread-safe. O(allocations + workers) a question.
class Autoalloc {
 public:
  explicit Autoalloc(AutoallocSettings);

  /// Allocate, AllocationChanged, Release, WorkerJoined, WorkerChanged, WorkerLost, Opened, Configured; others are passed over.
  void learn(const Record&);

  /// Allocate and Release facts, each with a sentence that says why.
  std::vector<Decided> decide(const AgentDemand&, Time now) const;

  /// The experiment is over: a Release for whatever is not cancelled yet.
  std::vector<Decided> release_all(const std::string& why) const;

  /// Why nothing is asked for although it might help: a sentence with the engine's or the agents' own words. Empty: nothing
  /// holds us up.
  std::string trouble(Time now) const;
  bool paused() const;

  /// Allocations that are not over, as the engine and its names are to be asked for.
  struct Live {
    std::int64_t number = 0;
    AllocationName name;
    std::string spec;       ///< JSON of the AgentSpec; with no id in the name, submit it (again).
    bool to_cancel = false; ///< A Release asked for it.
  };
  std::vector<Live> live() const;
  int agents_asked_for() const;  ///< Of all that are not over.

 private:
  enum class Phase : std::uint8_t { waiting, running, over };
  struct Placed {
    std::string key, id, spec, reason;
    Phase phase = Phase::waiting;
    int agents = 1;
    std::set<WorkerId> joined;  ///< Ever; one that comes again is the same.
    std::optional<Time> running_since, lost_one_at, drained_at, cancelled_at;
    bool given_up = false;  ///< By us, because no agent called home.
    bool released() const { return drained_at || cancelled_at; }
  };
  struct Agent {
    std::int64_t allocation = 0;  ///< 0: nobody placed it.
    bool leaves = false, cordoned = false;
    std::optional<Time> deadline;
    bool useful() const { return !leaves && !cordoned; }
  };
  struct Turn;
  void learn(const Allocate&);
  void learn(const AllocationChanged&, Time);
  void learn(const Release&, Time, bool ours);
  void learn(const WorkerJoined&);
  void learn(const WorkerChanged&);
  void learn(const WorkerLost&, Time);
  void failed(int& kind, Time, const std::string& words);
  Duration delay() const;

  AutoallocSettings settings_;
  std::map<std::int64_t, Placed> placed_;  // From 1. Those that are over are dropped.
  std::map<WorkerId, Agent> agents_;
  std::int64_t last_number_ = 0;
  int refused_ = 0, silent_ = 0;  // In a row: submissions that failed, allocations without an agent.
  Time last_failure_;
  std::string last_words_;
  Seq last_seq_ = 0;
};

/// Turns an engine's answers into facts: one where something changed, none where it did not. An allocation that the engine
/// says it does not have is lost only after 3 such answers over at least 60 seconds; an engine that cannot be asked says nothing.
class AllocationWatch {
 public:
  /// What the journal has already.
  void recall(const AllocationChanged& fact) { seen_[fact.allocation] = {fact}; }
  std::optional<AllocationChanged> learn(std::int64_t number, const Allocation& answer, Time now);
  void forget(std::int64_t number) { seen_.erase(number); }

 private:
  struct Seen {
    AllocationChanged last = {};
    int misses = 0;
    Time first_miss = {};
  };
  std::map<std::int64_t, Seen> seen_;
};

/// A submission's Error as a fact: refused for good (failed), or not known whether it came through (unknown: submit it again).
AllocationChanged submission_failed(std::int64_t number, const Error&);

}  // namespace tune
