// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/autoalloc.hpp"

#include <algorithm>
#include <set>
#include <utility>

#include "tuner/json.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

// HyperQueue's numbers (docs/deployment/allocation.md of It4innovations/hyperqueue).
constexpr double kDelays[] = {0, 60, 15 * 60, 30 * 60, 60 * 60};
constexpr int kMostRefused = 10, kMostSilent = 3;
// Idle agents have nothing to save: one that was told to drain and is still there after this is ended by its engine.
constexpr Duration kDrain{120};
constexpr std::string_view kName = "autoalloc";
constexpr int kMisses = 3;
constexpr Duration kMissing{60};

std::string count_of(std::int64_t n, const std::string& noun) { return std::to_string(n) + " " + noun + (n == 1 ? "" : "s"); }
std::string ended_sentence(std::string text) {
  while (!text.empty() && (text.back() == '.' || text.back() == '\n' || text.back() == ' ')) text.pop_back();
  return text;
}

}  // namespace

Result<Done> check(const AutoallocSettings& s) {
  const auto bad = [](std::string message, std::string hint) { return Error{Error::Code::invalid, std::move(message), std::move(hint)}; };
  if (!is_key(s.prefix + "-1")) return bad("'" + printable(s.prefix) + "' cannot begin a key", "");
  if (s.spec.agents < 1 || s.trials_per_agent < 1 || s.backlog < 1) return bad("agents, backlog and trials per agent are at least 1", "");
  if (s.min_agents < 0 || s.min_agents > s.max_agents) return bad("min_agents is above max_agents", "");
  if (s.max_agents < s.spec.agents) {
    return bad("max_agents is " + std::to_string(s.max_agents) + ", and an allocation has " + std::to_string(s.spec.agents) + " agents", "raise max_agents, or have fewer agents in an allocation");
  }
  if (s.spec.walltime.seconds > 0 && s.spec.walltime.seconds <= s.spec.margin.seconds) {
    return bad("the walltime (" + to_text(s.spec.walltime) + ") is over before agents would begin to leave (margin " + to_text(s.spec.margin) + ")", "raise walltime or lower margin");
  }
  return Done{};
}

Autoalloc::Autoalloc(AutoallocSettings settings) : settings_(std::move(settings)) {}

// --- what it learns ---------------------------------------------------------------------------------------------------

void Autoalloc::learn(const Record& record) {
  last_seq_ = record.seq;
  if (const auto* fact = record.as<Allocate>()) return learn(*fact);
  if (const auto* fact = record.as<AllocationChanged>()) return learn(*fact, record.at);
  if (const auto* fact = record.as<Release>()) return learn(*fact, record.at, record.decided()->reason.by == kName);
  if (const auto* fact = record.as<WorkerJoined>()) return learn(*fact);
  if (const auto* fact = record.as<WorkerChanged>()) return learn(*fact);
  if (const auto* fact = record.as<WorkerLost>()) return learn(*fact, record.at);
  if (record.as<Opened>() || record.as<Configured>()) refused_ = silent_ = 0;  // A person looked at it.
}

void Autoalloc::learn(const Allocate& fact) {
  Placed placed;
  placed.key = fact.key;
  placed.spec = fact.spec;
  const auto spec = agent_spec(fact.spec);
  placed.agents = spec ? spec->agents : 1;
  placed_[fact.allocation] = std::move(placed);
  last_number_ = std::max(last_number_, fact.allocation);
}

void Autoalloc::learn(const AllocationChanged& fact, Time at) {
  const auto found = placed_.find(fact.allocation);
  if (found == placed_.end()) return;
  Placed& placed = found->second;
  if (!fact.engine_id.empty() && placed.id.empty()) {
    placed.id = fact.engine_id;
    refused_ = 0;
  }
  const auto state = allocation_state(fact.state).value_or(AllocationState::unknown);
  if (!fact.reason.empty()) placed.reason = fact.reason;
  if (is_over(state)) {
    if (!placed.released() && placed.joined.empty()) {
      failed(placed.id.empty() ? refused_ : silent_, at, fact.reason);
    } else if (placed.given_up && !fact.reason.empty()) {
      last_words_ = fact.reason;  // With the end came its agents' log.
    }
    placed_.erase(found);
  } else if (state == AllocationState::running && placed.phase == Phase::waiting) {
    placed.phase = Phase::running;
    placed.running_since = at;
  }
}

void Autoalloc::failed(int& kind, Time at, const std::string& words) {
  ++kind;
  last_failure_ = at;
  last_words_ = words;
}

void Autoalloc::learn(const Release& fact, Time at, bool ours) {
  if (fact.allocation) {
    const auto found = placed_.find(*fact.allocation);
    if (found == placed_.end()) return;
    Placed& placed = found->second;
    auto& when = fact.how == "cancel" ? placed.cancelled_at : placed.drained_at;
    if (!when) when = at;
    if (ours && !placed.given_up && placed.phase == Phase::running && placed.joined.empty()) {
      placed.given_up = true;
      failed(silent_, at, placed.reason);
    }
  } else if (fact.worker) {
    const auto agent = agents_.find(*fact.worker);
    if (agent == agents_.end()) return;
    if (fact.how == "drain") agent->second.leaves = true;
    if (fact.how == "cordon") agent->second.cordoned = true;
    if (fact.how == "uncordon") agent->second.cordoned = false;
  }
}

void Autoalloc::learn(const WorkerJoined& fact) {
  Agent agent;
  agent.deadline = fact.deadline;
  for (auto& [number, placed] : placed_) {
    if (placed.key != fact.allocation) continue;
    agent.allocation = number;
    placed.joined.insert(fact.worker);
    silent_ = 0;
  }
  agents_[fact.worker] = agent;
}

void Autoalloc::learn(const WorkerChanged& fact) {
  const auto found = agents_.find(fact.worker);
  if (found == agents_.end()) return;
  if (fact.state == "draining") found->second.leaves = true;
  if (fact.state == "cordoned" || fact.state == "quarantined") found->second.cordoned = true;
  if (fact.state == "ready") found->second.cordoned = false;
  if (fact.deadline) found->second.deadline = fact.deadline;
}

void Autoalloc::learn(const WorkerLost& fact, Time at) {
  const auto agent = agents_.find(fact.worker);
  if (agent == agents_.end()) return;
  if (const auto placed = placed_.find(agent->second.allocation); placed != placed_.end()) placed->second.lost_one_at = at;
  agents_.erase(agent);
}

// --- what it answers --------------------------------------------------------------------------------------------------

/// One question being answered: what there is now, and what is decided so far.
struct Autoalloc::Turn {
  const Autoalloc& all;
  const AgentDemand& demand;
  Time now;
  std::vector<Decided> decisions = {};
  std::set<std::int64_t> let_go = {};

  void say(Decision what, std::string why) { decisions.push_back({std::move(what), {all.last_seq_, std::string{kName}, std::move(why), ""}}); }
  void release(std::int64_t number, const char* how, std::string why) {
    let_go.insert(number);
    say(Release{number, std::nullopt, how}, std::move(why));
  }
  bool stays(std::int64_t number, const Placed& placed) const { return !placed.released() && !let_go.contains(number); }

  int agents_of(std::int64_t number) const {
    return static_cast<int>(std::count_if(all.agents_.begin(), all.agents_.end(), [&](const auto& a) { return a.second.allocation == number; }));
  }
  bool all_idle(std::int64_t number) const {
    return std::all_of(all.agents_.begin(), all.agents_.end(), [&](const auto& entry) {
      const auto since = demand.idle_since.find(entry.first);
      return entry.second.allocation != number || (since != demand.idle_since.end() && now - since->second >= all.settings_.idle);
    });
  }
  /// Agents of it that take trials.
  int useful(std::int64_t number) const {
    return static_cast<int>(std::count_if(all.agents_.begin(), all.agents_.end(), [&](const auto& a) { return a.second.allocation == number && a.second.useful() && !ends(a.second); }));
  }
  /// Agents that it has, or will still get.
  int counted(std::int64_t number, const Placed& placed) const {
    const bool more_may_come = placed.phase == Phase::waiting || now - *placed.running_since < all.settings_.call_home;
    return useful(number) + (more_may_come ? std::max(0, placed.agents - static_cast<int>(placed.joined.size())) : 0);
  }
  bool ends(const Agent& agent) const { return agent.deadline && now + all.settings_.spec.margin >= *agent.deadline; }

  int there() const {
    int sum = 0;
    for (const auto& [id, agent] : all.agents_) sum += agent.allocation == 0 && agent.useful() && !ends(agent);
    for (const auto& [number, placed] : all.placed_) sum += stays(number, placed) ? counted(number, placed) : 0;
    return sum;
  }
  std::string who_could() const {
    return count_of(demand.trials, "trial") + (demand.ranks > 1 ? " of " + std::to_string(demand.ranks) + " ranks" : "");
  }
  int wanted() const {
    const auto& s = all.settings_;
    const std::int64_t needed = (std::max<std::int64_t>(0, demand.trials) * demand.ranks + s.trials_per_agent - 1) / s.trials_per_agent;
    return static_cast<int>(std::clamp<std::int64_t>(needed, s.min_agents, 1'000'000));
  }

  void leave_before_the_end();
  void give_up_the_silent();
  void let_go_of_the_idle();
  void cancel_what_waits_for_nothing();
  void end_what_does_not_leave();
  void ask_for_more();
};

void Autoalloc::Turn::leave_before_the_end() {
  for (const auto& [id, agent] : all.agents_) {
    if (agent.leaves || !ends(agent) || agent.allocation == 0) continue;
    const double left = std::max(0.0, (*agent.deadline - now).seconds);
    say(Release{std::nullopt, id, "drain"}, "its walltime ends in " + to_text(Duration{static_cast<double>(static_cast<std::int64_t>(left))}));
  }
}

void Autoalloc::Turn::give_up_the_silent() {
  const Duration patience = all.settings_.call_home;
  for (const auto& [number, placed] : all.placed_) {
    if (!stays(number, placed) || placed.phase != Phase::running || agents_of(number) > 0) continue;
    const Time since = std::max(*placed.running_since, placed.lost_one_at.value_or(*placed.running_since));
    if (now - since < patience) continue;
    release(number, "cancel", placed.joined.empty() ? "none of its agents called home within " + to_text(patience) + " of its start"
                                                    : "none of its agents is left since " + to_text(patience));
  }
}

void Autoalloc::Turn::let_go_of_the_idle() {
  for (const auto& [number, placed] : all.placed_) {
    const int agents = agents_of(number);
    if (!stays(number, placed) || agents == 0 || there() - counted(number, placed) < wanted()) continue;
    if (all_idle(number)) release(number, "drain", "its " + count_of(agents, "agent") + " had nothing to do for " + to_text(all.settings_.idle));
  }
}

void Autoalloc::Turn::cancel_what_waits_for_nothing() {
  if (!demand.quiet_since || now - *demand.quiet_since < all.settings_.idle) return;
  for (auto at = all.placed_.rbegin(); at != all.placed_.rend(); ++at) {  // The youngest would have come last.
    const auto& [number, placed] = *at;
    if (!stays(number, placed) || placed.phase != Phase::waiting || there() - counted(number, placed) < wanted()) continue;
    release(number, "cancel", "no trial waits for room since " + to_text(all.settings_.idle));
  }
}

void Autoalloc::Turn::end_what_does_not_leave() {
  for (const auto& [number, placed] : all.placed_) {
    if (!placed.drained_at || placed.cancelled_at || now - *placed.drained_at < kDrain) continue;
    release(number, "cancel", "it was told to leave and is still there after " + to_text(kDrain));
  }
}

void Autoalloc::Turn::ask_for_more() {
  const auto& s = all.settings_;
  if (!all.trouble(now).empty()) return;
  int asked = all.agents_asked_for(), have = there();
  auto waiting = std::count_if(all.placed_.begin(), all.placed_.end(), [](const auto& p) { return p.second.phase == Phase::waiting; });
  const bool tries = all.refused_ + all.silent_ > 0;  // After a failure one at a time.
  for (std::int64_t number = all.last_number_ + 1; have < wanted() && asked + s.spec.agents <= s.max_agents && waiting < (tries ? 1 : s.backlog); ++number) {
    const std::string key = s.prefix + "-" + std::to_string(number);
    AgentSpec spec = s.spec;
    spec.join_file = s.join_folder + "/" + key + ".json";
    std::string why = have < s.min_agents ? "at least " + count_of(s.min_agents, "agent") + " shall be there, and there are " + std::to_string(have)
                                          : who_could() + " could use " + count_of(wanted(), "agent") + ", and there are " + std::to_string(have);
    say(Allocate{number, key, s.engine, to_json(spec)}, std::move(why));
    have += spec.agents, asked += spec.agents, ++waiting;
  }
}

std::vector<Decided> Autoalloc::decide(const AgentDemand& demand, Time now) const {
  Turn turn{*this, demand, now};
  turn.leave_before_the_end();
  turn.give_up_the_silent();
  turn.let_go_of_the_idle();
  turn.cancel_what_waits_for_nothing();
  turn.end_what_does_not_leave();
  turn.ask_for_more();
  return std::move(turn.decisions);
}

std::vector<Decided> Autoalloc::release_all(const std::string& why) const {
  const AgentDemand none;
  Turn turn{*this, none, {}};
  for (const auto& [number, placed] : placed_)
    if (!placed.cancelled_at) turn.release(number, "cancel", why);
  return std::move(turn.decisions);
}

bool Autoalloc::paused() const { return refused_ >= kMostRefused || silent_ >= kMostSilent; }

Duration Autoalloc::delay() const {
  const int failures = refused_ + silent_;
  return Duration{failures == 0 ? 0 : kDelays[std::min<std::size_t>(static_cast<std::size_t>(failures) - 1, std::size(kDelays) - 1)]};
}

std::string Autoalloc::trouble(Time now) const {
  const std::string what = refused_ > 0 ? count_of(refused_, "submission") + " in a row failed" : "none of the agents of " + count_of(silent_, "allocation") + " in a row called home";
  const std::string words = last_words_.empty() ? "" : ": " + ended_sentence(last_words_);
  if (paused()) return "no more agents are asked for: " + what + words;
  const Time next = last_failure_ + delay();
  if (refused_ + silent_ == 0 || now >= next) return {};
  return what + "; the next is tried in " + to_text(Duration{static_cast<double>(static_cast<std::int64_t>((next - now).seconds + 0.999))}) + words;
}

std::vector<Autoalloc::Live> Autoalloc::live() const {
  std::vector<Live> out;
  for (const auto& [number, placed] : placed_) out.push_back({number, {placed.key, placed.id}, placed.spec, placed.cancelled_at.has_value()});
  return out;
}

int Autoalloc::agents_asked_for() const {
  int sum = 0;
  for (const auto& [number, placed] : placed_) sum += placed.agents;
  return sum;
}

// --- what engines answer ----------------------------------------------------------------------------------------------

std::optional<AllocationChanged> AllocationWatch::learn(std::int64_t number, const Allocation& answer, Time now) {
  const bool fresh = !seen_.contains(number);
  Seen& seen = seen_[number];
  if (fresh) seen.last.allocation = number;
  auto state = answer.state;
  std::string reason = answer.reason;
  if (state == AllocationState::unknown && answer.missing) {
    if (seen.misses++ == 0) seen.first_miss = now;
    if (seen.misses >= kMisses && now - seen.first_miss >= kMissing) state = AllocationState::lost;
  } else if (state != AllocationState::unknown) {
    seen.misses = 0;
  }
  std::string nodes;
  for (const auto& node : answer.nodes) nodes += (nodes.empty() ? "" : ",") + node;
  AllocationChanged changed{number, answer.name.id.empty() ? seen.last.engine_id : answer.name.id, std::string{to_text(state)}, std::move(reason),
                            state == AllocationState::unknown || nodes.empty() ? seen.last.nodes : std::move(nodes), answer.end ? answer.end : seen.last.ends_at};
  if (changed == seen.last) return std::nullopt;
  seen.last = changed;
  return changed;
}

AllocationChanged submission_failed(std::int64_t number, const Error& error) {
  const bool open = error.code == Error::Code::unreachable;
  return {number, "", std::string{to_text(open ? AllocationState::unknown : AllocationState::failed)}, error.message, "", std::nullopt};
}

}  // namespace tune
