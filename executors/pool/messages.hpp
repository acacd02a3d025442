// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "executors/link/protocol.hpp"
#include "executors/process/ranks.hpp"
#include "tuner/facts.hpp"
#include "tuner/result.hpp"

/// What agents and the coordinator of a pool say to one another: version 1, one JSON object a message, at most kFrameLimit
/// bytes. What happened and what was decided travels as it stands in the journal. docs/formats/agents.md is the reference.
///
/// An agent numbers the facts of each experiment, from 1 and without gaps; it keeps them until they are acknowledged and
/// sends them again after every reconnection. Decisions are idempotent, so the coordinator repeats them.
namespace tune {

/// An attempt by its name.
struct AttemptName {
  std::string experiment;
  TrialId trial;
  int attempt = 0;
  auto operator<=>(const AttemptName&) const = default;
};

// --- by the agent ----------------------------------------------------------------------------------------------------

/// First of every connection.
struct Hello {
  WorkerJoined worker;  ///< `worker.worker` means nothing here: each experiment numbers its workers.
  std::string boot_id;
  std::vector<AttemptName> held;  ///< Attempts that live here, and those whose end was not acknowledged.
  bool operator==(const Hello&) const = default;
};

/// "I am here", every Welcome::beat seconds. `sent` is the agent's own clock, echoed.
struct Beat {
  double sent = 0;
  bool operator==(const Beat&) const = default;
};

/// What happened: records whose `seq` is the agent's number, without gaps.
struct Happened {
  std::string experiment;
  std::vector<Record> facts;
  bool operator==(const Happened&) const = default;
};

/// It takes no new trials, ends those it has, and goes.
struct Leaving {
  std::string why;
  bool operator==(const Leaving&) const = default;
};

/// Answers Reserve. `begun`: it had this attempt before. Where the first rank is to live: by which name and port the others
/// reach it; everywhere `host` is what a launcher of ranks calls this machine.
struct Reserved {
  AttemptName attempt;
  int round = 0;
  bool granted = false, begun = false;
  std::string address, host;
  int port = 0;
  bool operator==(const Reserved&) const = default;
};

/// Nothing of it is left: a proof of death. Said by the agent at its end, or by its guard when it died.
struct Gone {
  std::string agent, why;
  bool operator==(const Gone&) const = default;
};

// --- by the coordinator ----------------------------------------------------------------------------------------------

/// Answers Hello. After `lease` seconds without an answer to a beat the agent ends its trials by itself, and `grace` seconds
/// later nothing of them is left.
struct Welcome {
  double beat = 2, lease = 20, grace = 3;
  bool operator==(const Welcome&) const = default;
};

struct BeatAnswer {
  double sent = 0;
  bool operator==(const BeatAnswer&) const = default;
};

/// What trials are given and this coordinator sends, by content.
struct SupplyName {
  std::string name;  ///< "inputs.digits", "code"
  std::string hash;
  std::int64_t bytes = 0;
  bool operator==(const SupplyName&) const = default;
};

/// The experiment is run by this coordinator; comes before any order of it.
struct Opening {
  std::string experiment;
  Time began;                    ///< Of the experiment: another one of the same name is another one.
  std::string config;            ///< Effective settings.
  std::string folder, checkpoints;  ///< Of the coordinator. An agent that reads `mark` in file `.mark` of the folder sees
  std::string mark;                 ///< the same disk.
  std::vector<SupplyName> supplies = {};  ///< For agents that do not.
  bool operator==(const Opening&) const = default;
};

/// Keep the seats of these ranks of a trial for them, if they are free: this is its Launch, with the ranks of this agent only.
/// The Order follows once all agents that it has ranks on have granted theirs; until then Fence takes it back. `round` counts how
/// often it was tried: what answers another one means nothing.
struct Reserve {
  std::string experiment;
  int round = 0;
  Record fact;
  bool operator==(const Reserve&) const = default;
};

/// A decision to carry out. A Launch carries the parameters, seed and instances done that it needs, and the ranks of this agent
/// only; `ranks` says where they meet those of other agents.
struct Order {
  std::string experiment;
  Record fact;
  std::uint64_t seed = 0;
  std::int64_t done = 0;
  std::optional<RanksPlan> ranks = {};
  bool operator==(const Order&) const = default;
};

/// The agent's facts of this experiment up to `seq` are durable, or counted already.
struct Acknowledged {
  std::string experiment;
  std::int64_t seq = 0;
  bool operator==(const Acknowledged&) const = default;
};

/// This attempt was given away: end it at once, say no more of it.
struct Fence {
  AttemptName attempt;
  std::string why;
  bool operator==(const Fence&) const = default;
};

/// Ranks of this trial on another machine ended: end yours at once (cause gang) and say so.
struct EndRanks {
  AttemptName attempt;
  std::string why;
  bool operator==(const EndRanks&) const = default;
};

/// The experiment ends here: what lives of it saves and ends (cause shutdown; `kill`: at once). `forget`: and nobody wants to
/// hear of it any more.
struct Closing {
  std::string experiment;
  bool kill = false, forget = false;
  bool operator==(const Closing&) const = default;
};

/// Take no new trials; with `stop` end those you have; then go.
struct Dismissal {
  bool stop = false;
  std::string why;
  bool operator==(const Dismissal&) const = default;
};

using Message = std::variant<Hello, Beat, Happened, Leaving, Reserved, Gone, Welcome, BeatAnswer, Opening, Reserve, Order,
                             Acknowledged, Fence, EndRanks, Closing, Dismissal>;

std::string write_message(const Message&);
/// Error::corrupt with the place if it is no message of this version. Unknown keys are skipped. Linear.
Result<Message> read_message(std::string_view text);

}  // namespace tune
