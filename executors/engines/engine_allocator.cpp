// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/engine_allocator.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tuner/hex.hpp"
#include "tuner/json_document.hpp"
#include "tuner/labels.hpp"
#include "tuner/options.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

constexpr double kOften = 30;  // Seconds between looks where nothing else happens.

/// As the config has it; what a trial needs where it says nothing.
Resources per_agent(const Spec& spec) {
  const auto text = text_option(spec.executor.options, "per_agent");
  const auto read = text.empty() ? std::nullopt : parse_json(text, 0, [](const JsonFault&) {});
  if (!read) return spec.resources;
  Resources all;
  for (const auto& member : read->members) {
    const auto& value = member.value;
    if (member.key == "cpu") all.cpus = value.number;
    else if (member.key == "gpu") all.gpus = value.number;
    else if (member.key == "memory") all.memory_bytes = parse_bytes(value.text).value_or(0);
    else all.custom[member.key] = value.number;
  }
  return all;
}

int fits(const Resources& agent, const Resources& trial) {
  double most = 1e6;
  const auto hold = [&](double has, double needs) {
    if (needs > 0) most = std::min(most, std::floor(has / needs + 1e-9));
  };
  hold(agent.cpus, trial.cpus);
  hold(agent.gpus, trial.gpus);
  if (agent.memory_bytes > 0) hold(static_cast<double>(agent.memory_bytes), static_cast<double>(trial.memory_bytes));
  for (const auto& [name, amount] : trial.custom) {
    const auto it = agent.custom.find(name);
    hold(it == agent.custom.end() ? 0 : it->second, amount);
  }
  return static_cast<int>(most);
}

AutoallocSettings settings_of(const Spec& spec) {
  const Params& given = spec.executor.options;
  const auto whole = [&](std::string_view name, int fallback) { return static_cast<int>(number_option(given, name, fallback)); };
  AutoallocSettings s;
  s.engine = spec.executor.type;
  s.spec.per_agent = per_agent(spec);
  s.spec.agents = whole("agents_each", 1);
  s.spec.walltime = duration_option(given, "walltime");
  s.spec.margin = duration_option(given, "margin", s.spec.margin);
  s.spec.site_args = list_option(given, "site_args");
  s.spec.join_file = s.spec.program = "/";  // Whoever submits knows.
  s.min_agents = whole("min_agents", 0);
  s.max_agents = whole("max_agents", 16);
  s.backlog = whole("backlog", 4);
  s.trials_per_agent = fits(s.spec.per_agent, spec.resources);
  s.idle = duration_option(given, "idle", s.idle);
  return s;
}

/// Keys that nobody else uses, the same in every replay: of the experiment's name and first moment.
std::string prefix_of(const Spec& spec, Time began) {
  std::uint64_t hash = 0xcbf29ce484222325ull, bits = 0;  // FNV-1a
  std::memcpy(&bits, &began.seconds, sizeof bits);
  for (const char c : spec.name) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3ull;
  for (int shift = 0; shift < 64; shift += 8) hash = (hash ^ (bits >> shift & 255)) * 0x100000001b3ull;
  return "tune-" + to_hex(hash, 16);
}

class EngineAllocator final : public Allocator {
 public:
  EngineAllocator(const Spec& spec, AutoallocSettings settings) : spec_(spec), settings_(std::move(settings)) {}

  void learn(const History& history, const Record& record) override {
    if (!autoalloc_) {
      settings_.prefix = prefix_of(spec_, history.began());
      autoalloc_.emplace(settings_);
    }
    autoalloc_->learn(record);
    follow_workers_of(record);
    const bool waits = wants_room(history);
    if (waits) quiet_since_.reset();
    else if (!quiet_since_) quiet_since_ = record.at;
  }
  std::optional<Decided> next(const History& history) const override {
    if (!autoalloc_) return std::nullopt;
    auto decisions = history.finishing() ? autoalloc_->release_all("the experiment is over") : autoalloc_->decide(demand(history), history.now());
    return decisions.empty() ? std::nullopt : std::optional{std::move(decisions.front())};
  }
  std::optional<Time> wake_at(const History& history) const override {
    if (!autoalloc_ || (autoalloc_->live().empty() && autoalloc_->trouble(history.now()).empty())) return std::nullopt;
    return history.now() + Duration{std::clamp(settings_.idle.seconds / 2, 1.0, kOften)};
  }
  std::vector<Decided> unsettled() const override {
    std::vector<Decided> again;
    if (!autoalloc_) return again;
    const Reason why{0, "tune", "recorded before, not seen to be over", {}};
    for (const auto& live : autoalloc_->live()) {
      if (live.to_cancel) again.push_back({Release{live.number, {}, "cancel"}, why});
      again.push_back({Allocate{live.number, live.name.key, settings_.engine, live.spec}, why});
    }
    return again;
  }

 private:
  /// Trials that run, that wait, and that would be begun if there were room.
  std::int64_t could_use(const History& history) const {
    std::int64_t trials = history.live() + history.count(TrialState::queued);
    if (history.may_start()) trials += spec_.stop.trials ? std::max<std::int64_t>(0, *spec_.stop.trials - history.size()) : 1'000'000;
    return spec_.parallel ? std::min<std::int64_t>(trials, *spec_.parallel) : trials;
  }
  bool wants_room(const History& history) const { return could_use(history) > history.live(); }
  AgentDemand demand(const History& history) const {
    AgentDemand d;
    d.trials = could_use(history);
    d.ranks = spec_.gang.ranks;
    d.quiet_since = quiet_since_;
    d.idle_since = idle_since_;
    return d;
  }
  void follow_workers_of(const Record& record) {
    if (const auto* joined = record.as<WorkerJoined>()) {
      if (!busy_.contains(joined->worker)) idle_since_.insert_or_assign(joined->worker, record.at);
    } else if (const auto* lost = record.as<WorkerLost>()) {
      idle_since_.erase(lost->worker);
    } else if (const auto* launch = record.as<Launch>()) {
      if (launch->speculative) leave(copies_, launch->trial, record.at);
      take(seats_, launch->trial, launch->ranks);
    } else if (const auto* exited = record.as<Exited>()) {
      leave(seats_, exited->trial, record.at);
    } else if (const auto* copy = record.as<Speculate>()) {
      take(copies_, copy->trial, copy->ranks);
    } else if (record.as<EndCopy>() || record.as<CopyExited>()) {
      leave(copies_, *trial_of(record), record.at);
    } else if (record.as<Opened>()) {
      while (!copies_.empty()) leave(copies_, copies_.begin()->first, record.at);  // They end with their owner.
    }
  }
  using Seats = std::map<TrialId, std::vector<WorkerId>>;
  void take(Seats& seats, TrialId trial, const std::vector<Seat>& ranks) {
    for (const auto& seat : ranks) {
      ++busy_[seat.worker];
      idle_since_.erase(seat.worker);
      seats[trial].push_back(seat.worker);
    }
  }
  void leave(Seats& seats, TrialId trial, Time at) {
    for (const auto worker : seats[trial])
      if (--busy_[worker] == 0) busy_.erase(worker), idle_since_.insert_or_assign(worker, at);
    seats.erase(trial);
  }

  const Spec& spec_;
  AutoallocSettings settings_;
  std::optional<Autoalloc> autoalloc_;
  std::optional<Time> quiet_since_;
  std::map<WorkerId, Time> idle_since_;
  std::map<WorkerId, int> busy_;                       // Trials that it has.
  Seats seats_, copies_;
};

/// No agent that could never get a trial shall be asked for again and again. What a machine is by itself shows when it is there.
Result<Done> bears_what_is_required(const Spec& spec) {
  const auto borne = list_option(spec.executor.options, "labels");
  for (const auto& label : borne)
    if (!is_label(label)) return Error{Error::Code::invalid, "executor.labels: `" + printable(label) + "` is no label", "NAME or NAME=VALUE, as \"gpu=a100\""};
  auto missing = lacking(borne, spec.required_labels);
  std::erase_if(missing, [](const std::string& label) {
    const auto name = label.substr(0, label.find('='));
    return name == "os" || name == "arch" || name == "host";
  });
  if (missing.empty()) return Done{};
  return Error{Error::Code::invalid, "requires: agents that `" + spec.executor.type + "` places bear no label " + list_text(missing),
               "ask the engine for such nodes, and say so in `executor.labels`"};
}

}  // namespace

std::vector<Option> allocation_options() {
  using Kind = Option::Kind;
  return {{"per_agent", Kind::resources, "", "What each agent gets: cpu, gpu, memory. As much as one trial needs if not given."},
          {"agents_each", Kind::integer, "1", "Agents in one allocation, each on a node of its own.", 1, 10000},
          {"min_agents", Kind::integer, "0", "So many are kept whether there is work or not.", 0, 100000},
          {"max_agents", Kind::integer, "16", "Never more than so many, those that wait included.", 1, 100000},
          {"backlog", Kind::integer, "4", "At most so many allocations wait in the engine's queue.", 1, 1000},
          {"walltime", Kind::duration, "", "How long an allocation lasts; the engine's default if not given."},
          {"margin", Kind::duration, "\"2m\"", "Before its end trials save and leave."},
          {"idle", Kind::duration, "\"5m\"", "Agents without a trial for so long are let go."},
          {"labels", Kind::list, "[]", "Labels that its agents bear besides those of any machine, as `requires` has them: what the engine was asked for."}};
}

Result<std::unique_ptr<Allocator>> engine_allocator(const Spec& spec) {
  const auto all = engines();
  const bool is_engine = std::any_of(all.begin(), all.end(), [&](const EngineEntry& e) { return e.info.name == spec.executor.type; });
  if (!is_engine) return std::unique_ptr<Allocator>{};
  auto settings = settings_of(spec);
  if (settings.trials_per_agent < 1)
    return Error{Error::Code::invalid, "no trial fits an agent: `resources` asks for more than `executor.per_agent` has", "raise per_agent, or leave it out"};
  const auto together = static_cast<std::int64_t>(settings.spec.agents) * settings.trials_per_agent;
  if (!spec.gang.across && together < spec.gang.ranks)
    return Error{Error::Code::invalid,
                 "the " + std::to_string(spec.gang.ranks) + " ranks of a trial do not fit one allocation, which holds " + std::to_string(together),
                 "raise agents_each or per_agent, or say \"across\": true if agents of different allocations reach one another"};
  if (auto borne = bears_what_is_required(spec); !borne) return borne.error();
  settings.prefix = "tune-x";
  if (auto sound = check(settings); !sound) return sound.error();
  return std::unique_ptr<Allocator>(std::make_unique<EngineAllocator>(spec, std::move(settings)));
}

}  // namespace tune
