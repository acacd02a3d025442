// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_executor.hpp"

#include <algorithm>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <filesystem>
#include <iterator>

#include "executors/checkpoints.hpp"
#include "executors/pool/pool_options.hpp"
#include "executors/process/host.hpp"
#include "tuner/command.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr double kWorthAWord = 10;  // Seconds without any agent.

Exited exited(TrialId trial, int attempt, Cause cause, std::string why) {
  Exited e;
  e.trial = trial, e.attempt = attempt, e.cause = cause, e.text = std::move(why);
  return e;
}

Record record_of(std::variant<Observation, Decided> fact) { return {0, {}, 0, std::move(fact)}; }

}  // namespace

Result<std::unique_ptr<Executor>> PoolExecutor::make(const ExecutorContext& context) {
  if (auto command = Command::parse(context.spec.command, context.spec.space, context.spec.inputs); !command) return command.error();
  if (context.folder.empty())
    return Error{Error::Code::invalid, "agents need a store: their certificates, and what they bring, are kept beside it", "give --store FILE"};
  const auto settings = pool_settings(context.spec, context.folder);
  auto engine = engine_of(context.spec, settings.folder);
  if (!engine) return engine.error();
  auto supplies = read_supplies(context);
  if (!supplies) return supplies.error();
  auto pool = Pool::of(settings);
  if (!pool) return pool.error();
  return std::unique_ptr<Executor>(new PoolExecutor(context, std::move(*pool), std::move(*engine), std::move(*supplies)));
}

PoolExecutor::PoolExecutor(const ExecutorContext& context, std::shared_ptr<Pool> pool, std::unique_ptr<Engine> engine,
                           std::vector<std::shared_ptr<const Supply>> supplies)
    : spec_(context.spec),
      folder_(fs::absolute(context.folder).lexically_normal()),
      checkpoints_(fs::absolute(context.checkpoints).lexically_normal()),
      pool_(std::move(pool)),
      supplies_(std::move(supplies)),
      background_(std::make_unique<boost::asio::thread_pool>(1)) {
  if (engine) place_by(std::move(engine));
}

PoolExecutor::~PoolExecutor() {
  for (const auto& [number, key] : keys_) {
    for (const auto& name : agents_by(key)) pool_->send(name, Dismissal{true, "the experiment is over"});
    placer_->carry_out(Release{number, {}, "cancel"});
  }
  placer_.reset();
  if (entered_) pool_->leave(spec_.name);
  background_->join();
}

// --- opening ----------------------------------------------------------------------------------------------------------

std::vector<Observation> PoolExecutor::open(const History& history) {
  for (const auto& [worker, known] : history.workers()) {
    const auto& name = known.joined.agent;
    if (name.empty()) continue;
    agents_[name] = {worker, known.joined.allocation, false, known.state == "cordoned", {}, 0, 0, 0, {}};
    names_[worker] = name;
  }
  for (const auto& trial : history.trials()) {
    if (trial.attempt > 0 && trial.attempt_over) {
      over_[trial.id] = trial.attempt;
      if (trial.cause == Cause::lost || trial.cause == Cause::overtaken) given_up_.insert({trial.id, trial.attempt});  // An agent may have it yet.
    }
    if (!trial.live() || trial.attempt_over || trial.state != TrialState::running) continue;  // One that never started is ordered again.
    const auto* ranks = history.ranks(trial.id);
    Attempt attempt;
    attempt.number = trial.attempt;
    attempt.parts = parts_of(ranks ? *ranks : std::vector<Seat>{Seat{trial.worker, 0, 0, {}, 1, {}}});
    attempt.ordered = true;
    attempt.heard = trial.heard, attempt.saved = trial.checkpoint_step;
    if (attempt.parts.empty()) {
      end_lost(trial.id, attempt, "tune ended while it ran");
      continue;
    }
    for (auto& part : attempt.parts) part.started = true;
    attempt.asked = trial.asked != Asked::nothing;
    Extend extend{trial.id, trial.until_step, {}};
    attempt.orders.push_back({spec_.name, record_of(Decided{extend, {}}), 0, 0});
    if (trial.asked == Asked::pause) attempt.orders.push_back({spec_.name, record_of(Decided{Pause{trial.id, trial.attempt, {}}, {}}), 0, 0});
    if (trial.asked == Asked::stop || trial.asked == Asked::exploit)
      attempt.orders.push_back({spec_.name, record_of(Decided{Stop{trial.id, trial.attempt, trial.stop_as, {}}, {}}), 0, 0});
    add(trial.id, std::move(attempt));
  }
  tell_what_is_supplied(history);
  claims_until_ = now() + Duration{pool_settings(spec_, folder_).times.silence()};
  nobody_at_ = now() + Duration{kWorthAWord};
  pool_->enter(opening(history), *this);
  entered_ = true;
  return std::exchange(seen_, {});
}

// --- decisions --------------------------------------------------------------------------------------------------------

void PoolExecutor::carry_out(const Decided& decided, const History& history) {
  const auto forward = [&](TrialId trial) { order(trial, {spec_.name, record_of(decided), 0, 0}); };
  std::visit(
      [&](const auto& d) {
        using D = std::decay_t<decltype(d)>;
        if constexpr (std::is_same_v<D, Launch>) on(d, decided, history);
        if constexpr (std::is_same_v<D, Release>) on(d, decided.reason.why);
        if constexpr (std::is_same_v<D, Collect>) on(d);
        if constexpr (std::is_same_v<D, Allocate>) on(d);
        if constexpr (std::is_same_v<D, Speculate>) on(d, history);
        if constexpr (std::is_same_v<D, EndCopy>) on(d, decided.reason.why);
        if constexpr (std::is_same_v<D, Stop> || std::is_same_v<D, Pause> || std::is_same_v<D, Extend> ||
                      std::is_same_v<D, Update> || std::is_same_v<D, Exploit>)
          forward(d.trial);
      },
      decided.what);
}

void PoolExecutor::on(const Launch& launch, const Decided& decided, const History& history) {
  const auto over = over_.find(launch.trial);
  if (attempts_.contains(launch.trial) || launch.ranks.empty() || (over != over_.end() && over->second >= launch.attempt)) return;
  if (launch.speculative) return take_place(launch);
  Attempt attempt = attempt_of(launch, decided, history);
  const bool all_here = std::all_of(attempt.parts.begin(), attempt.parts.end(), [&](const Part& part) { return agents_.at(part.agent).came || claims_until_; });
  if (attempt.parts.empty() || !all_here) return end_lost(launch.trial, attempt, "its agent went away");
  add(launch.trial, std::move(attempt));
  held_back_.push_back(launch.trial);
  order_what_fits();
}

/// With a lease for each of its parts.
PoolExecutor::Attempt PoolExecutor::attempt_of(const Launch& launch, const Decided& decided, const History& history) const {
  Attempt attempt;
  attempt.number = launch.attempt;
  attempt.parts = parts_of(launch.ranks);
  const Lease lease = lease_of(launch, history);
  for (auto& part : attempt.parts) {
    Decided whole = decided;
    Launch its = launch;
    its.params = lease.params;
    its.ranks.assign(launch.ranks.begin() + part.first, launch.ranks.begin() + part.first + part.ranks);
    whole.what = std::move(its);
    part.lease = Order{spec_.name, record_of(std::move(whole)), lease.seed, static_cast<std::int64_t>(lease.done), {}};
  }
  return attempt;
}

/// An agent starts what it gets as soon as it has room; that all of them together keep to `executor.parallel` is for us to see to.
void PoolExecutor::order_what_fits() {
  auto ordered = static_cast<std::int64_t>(attempts_.size()) - static_cast<std::int64_t>(held_back_.size());
  for (; !held_back_.empty() && ordered < spec_.parallel.value_or(INT32_MAX); held_back_.pop_front()) {
    const auto it = attempts_.find(held_back_.front());
    if (it == attempts_.end()) continue;
    ++ordered;
    if (it->second.parts.size() > 1) {
      gather(it->first);
      continue;
    }
    it->second.ordered = true;
    say_all(it->second, it->second.parts.front());
  }
}

void PoolExecutor::say_all(const Attempt& attempt, const Part& part) {
  if (part.over) return;
  if (part.lease) pool_->send(part.agent, *part.lease);
  for (const auto& order : attempt.orders) pool_->send(part.agent, order);
}

void PoolExecutor::order(TrialId trial, Order order) {
  const auto it = attempts_.find(trial);
  if (it == attempts_.end()) return;
  Attempt& attempt = it->second;
  const auto ends = asked_to_end(order.fact.decided()->what);
  const bool asked = ends && ends->attempt == attempt.number;
  attempt.asked = attempt.asked || asked;
  if (attempt.ordered) {
    for (const auto& part : attempt.parts)
      if (!part.over) pool_->send(part.agent, order);
  } else if (asked) {
    call_off(trial, {});
    over_[trial] = attempt.number;
    seen_.push_back(exited(trial, attempt.number, ends->cause, order.fact.decided()->reason.why));
    remove(trial);
    return;
  }
  attempt.orders.push_back(std::move(order));
}

void PoolExecutor::on(const Collect& collect) {
  for (const auto& [name, agent] : agents_) pool_->send(name, Order{spec_.name, record_of(Decided{collect, {}}), 0, 0});  // Their copies.
  boost::asio::post(*background_, [this, collect, store = Checkpoints(checkpoints_)] {
    std::vector<Observation> done;
    Collected gone{collect.checkpoints, 0};
    for (const auto& hash : collect.checkpoints) {
      const auto bytes = store.remove(hash);
      if (bytes)
        gone.bytes += *bytes;
      else
        done.push_back(Warned{"collect", "", bytes.error().message});
    }
    done.push_back(std::move(gone));
    finish(std::move(done));
  });
}

/// In the background.
void PoolExecutor::finish(std::vector<Observation> done) {
  const std::lock_guard lock(mutex_);
  std::move(done.begin(), done.end(), std::back_inserter(done_));
  changed_.notify_all();
}

void PoolExecutor::shut_down(bool kill) {
  const std::string why = kill ? "killed by the user" : "shutdown";
  pool_->close(spec_.name, kill);
  // Who cannot be told ends by itself when its lease does; with `kill` nobody waits for that. Of what is held back no agent knows.
  std::vector<TrialId> unheard, unordered;
  for (auto& [trial, attempt] : attempts_) {
    attempt.asked = true;
    if (!attempt.ordered) unordered.push_back(trial);
    else if (kill && std::any_of(attempt.parts.begin(), attempt.parts.end(), [&](const Part& part) { return !part.over && !agents_.at(part.agent).came; }))
      unheard.push_back(trial);
  }
  for (const auto trial : unheard) end_lost(trial, remove(trial), why);
  for (const auto trial : unordered) {
    call_off(trial, {});
    const auto attempt = remove(trial);
    over_[trial] = attempt.number;
    seen_.push_back(exited(trial, attempt.number, Cause::shutdown, why));
  }
}

// --- what agents say ----------------------------------------------------------------------------------------------------

void PoolExecutor::hear(Pool::News news) {
  const std::lock_guard lock(mutex_);
  news_.push_back(std::move(news));
  changed_.notify_all();
}

void PoolExecutor::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupted_ = true;
  changed_.notify_all();
}

std::vector<Observation> PoolExecutor::wait(std::optional<Time> until) {
  tell_what_is_settled();
  order_what_fits();
  std::vector<std::optional<Time>> all_due{claims_until_, nobody_at_};
  for (const auto* times : {&gathering_, &starting_})
    for (const auto& [trial, due] : *times) all_due.push_back(due);
  for (const auto& due : all_due)
    if (due && (!until || *due < *until)) until = due;
  std::vector<Pool::News> news;
  {
    std::unique_lock lock(mutex_);
    const auto ready = [&] { return !news_.empty() || !done_.empty() || !seen_.empty() || interrupted_; };
    const double seconds = until ? std::clamp((*until - now()).seconds, 0.0, 1e6) : 1e6;
    changed_.wait_for(lock, std::chrono::duration<double>(seconds), ready);
    interrupted_ = false;
    news.swap(news_);
    std::move(done_.begin(), done_.end(), std::back_inserter(seen_));
    done_.clear();
  }
  for (auto& one : news) std::visit([&](auto& what) { take(std::move(what)); }, one);
  if (placer_) follow_allocations();
  gather_in_time();
  start_in_time();
  if (claims_until_ && now() >= *claims_until_) lose_the_unclaimed();
  if (nobody_at_ && now() >= *nobody_at_) tell_that_nobody_came();
  return std::exchange(seen_, {});
}

void PoolExecutor::take(Pool::Came came) {
  const std::string agent = came.worker.agent;
  const WorkerId worker = number_of(agent);
  auto& known = agents_.at(agent);
  known.came = true;
  nobody_at_.reset();
  known.told = 0;  // It may not have heard.
  untold_.insert(agent);
  known.allocation = came.worker.allocation;
  if (placer_) placer_->called_home(known.allocation);
  came.worker.worker = worker;
  seen_.push_back(came.worker);
  if (known.cordoned) seen_.push_back(WorkerChanged{worker, "cordoned", {}, {}, "it was cordoned when it went away"});
  if (!known.unseen.empty()) seen_.push_back(WorkerChanged{worker, "quarantined", {}, {}, known.unseen});

  std::set<std::pair<TrialId, int>> held;
  for (const auto& name : came.held) held.insert({name.trial, name.attempt});
  std::vector<TrialId> dropped, begun;
  for (const auto trial : known.attempts) {
    Attempt& attempt = attempts_.at(trial);
    const Part& part = *part_of(attempt, agent);
    const bool has = held.contains({trial, attempt.number});
    if (has && !attempt.ordered) {  // A coordinator that was killed had ordered it.
      std::erase(held_back_, trial);
      attempt.ordered = attempt.parts.size() == 1;
      if (!attempt.ordered) {  // At once: what its ranks report is acknowledged, and counts for nothing.
        begun.push_back(trial);
        continue;
      }
    }
    if (part.started && !part.over && !has) dropped.push_back(trial);
    else if (attempt.ordered) say_all(attempt, part);
    else if (gathering_.contains(trial)) call_off(trial, now());  // What it had kept for us it has forgotten.
  }
  for (const auto trial : dropped) lose_part(trial, agent, "its agent knows nothing of it");
  for (const auto trial : begun) lose_begun(trial);
  meet_copies(agent, held);
  for (const auto& name : came.held) {
    if (copy_of(name.trial, name.attempt, agent)) continue;
    const auto it = attempts_.find(name.trial);
    const auto over = over_.find(name.trial);
    const bool counted = over != over_.end() && over->second == name.attempt && !given_up_.contains({name.trial, name.attempt});
    const Part* part = it != attempts_.end() && it->second.number == name.attempt ? part_of(it->second, agent) : nullptr;
    if (counted || (part && !(part->over && it->second.lost))) continue;
    fence(agent, name.trial, name.attempt, "attempt");
    pool_->send(agent, Fence{name, "it was given away"});
  }
}

void PoolExecutor::take(Pool::Changed changed) {
  const auto it = agents_.find(changed.change.agent);
  if (it == agents_.end() || !it->second.came) return;
  const auto& [agent, what, why, proof] = changed.change;
  using What = Roster::Change::What;
  if (what == What::lost) return lose(agent, why, proof);
  const bool ready = what == What::ready;
  seen_.push_back(WorkerChanged{it->second.worker, ready ? it->second.state() : "suspect", {}, {}, why});
}

void PoolExecutor::take(Pool::Leaves leaves) {
  const auto it = agents_.find(leaves.agent);
  if (it != agents_.end()) seen_.push_back(WorkerChanged{it->second.worker, "draining", {}, {}, leaves.why});
}

void PoolExecutor::take(Pool::Told told) {
  const auto it = agents_.find(told.agent);
  if (it == agents_.end()) return;
  for (auto& fact : told.facts) {
    if (fact.seq <= it->second.received) continue;  // Said again.
    const auto seq = it->second.received = fact.seq;
    auto counts = judge(told.agent, std::move(fact));
    if (counts) seen_.push_back(*counts);
    taken_.push_back({told.agent, seq, std::move(counts)});
  }
}

/// What a fact of an agent means here; nullopt: nothing.
std::optional<Observation> PoolExecutor::judge(const std::string& agent, Record fact) {
  const auto* observation = fact.observation();
  if (!observation) return std::nullopt;
  return std::visit(
      [&](const auto& o) -> std::optional<Observation> {
        using O = std::decay_t<decltype(o)>;
        if constexpr (requires { o.trial, o.attempt; }) return judge_attempt(agent, o.trial, o.attempt, o);
        if constexpr (std::is_same_v<O, Warned> || std::is_same_v<O, CheckpointLost>) return o;
        if constexpr (std::is_same_v<O, WorkerChanged>) return judge_worker(agents_.at(agent), o);
        return std::nullopt;
      },
      *observation);
}

std::optional<Observation> PoolExecutor::judge_attempt(const std::string& agent, TrialId trial, int number, Observation what) {
  if (Copy* copy = copy_of(trial, number, agent)) return judge_copy(trial, *copy, std::move(what));
  const auto it = attempts_.find(trial);
  Part* part = it != attempts_.end() && it->second.number == number && it->second.ordered ? part_of(it->second, agent) : nullptr;
  if (!part || part->over) {
    const auto over = over_.find(trial);
    const bool counted = over != over_.end() && over->second == number && !given_up_.contains({trial, number});
    if (!counted) fence(agent, trial, number, kind(record_of(what)));
    return std::nullopt;
  }
  Attempt& attempt = it->second;
  if (auto* started = std::get_if<Started>(&what)) {
    if (std::exchange(part->started, true) || part->first > 0) return std::nullopt;
    started->worker = agents_.at(agent).worker;
  } else if (const auto* reported = std::get_if<Reported>(&what)) {
    if (reported->seq <= attempt.heard) return std::nullopt;
  } else if (const auto* saved = std::get_if<Checkpointed>(&what)) {
    if (saved->step <= attempt.saved) return std::nullopt;
  } else if (auto* ended = std::get_if<Exited>(&what)) {
    auto whole = end_part(trial, attempt, *part, std::move(*ended));
    return whole ? std::optional<Observation>{std::move(*whole)} : std::nullopt;
  }
  return what;
}

void PoolExecutor::fence(const std::string& agent, TrialId trial, int attempt, std::string_view what) {
  seen_.push_back(Fenced{trial, attempt, agents_.at(agent).worker, std::string{what}, 1});
}

// --- acknowledging ------------------------------------------------------------------------------------------------------

void PoolExecutor::acknowledge(const Observation& o) {
  settle_taken();
  if (!taken_.empty() && *taken_.front().waits == o) taken_.front().waits.reset();
}

void PoolExecutor::settle_taken() {
  while (!taken_.empty() && !taken_.front().waits) {
    agents_.at(taken_.front().agent).counted = taken_.front().seq;
    untold_.insert(std::move(taken_.front().agent));
    taken_.pop_front();
  }
}

void PoolExecutor::tell_what_is_settled() {
  settle_taken();
  for (const auto& name : untold_)  // One that is not here is told when it comes back.
    if (auto& agent = agents_.at(name); agent.told < agent.counted && pool_->send(name, Acknowledged{spec_.name, agent.counted})) agent.told = agent.counted;
  untold_.clear();
}

// --- losing -------------------------------------------------------------------------------------------------------------

void PoolExecutor::lose(const std::string& agent, const std::string& why, const std::string& proof) {
  auto& known = agents_.at(agent);
  known.came = false;
  seen_.push_back(WorkerLost{known.worker, why, proof});
  lose_copies(agent, "its agent is lost: " + why);  // First: a trial that is lost with it shall not go on as a copy there.
  for (const auto trial : std::set{known.attempts}) lose_part(trial, agent, "its agent is lost: " + why);
}

void PoolExecutor::tell_that_nobody_came() {
  nobody_at_.reset();
  std::string text = "no agent has joined yet at " + pool_->address() + ": ";
  if (placer_)
    text += (words_.empty() ? "" : spec_.executor.type + " says: " + words_ + "; ") + std::string{"`tune workers` lists what was asked for"};
  else
    text += "`tune join-token --out join.json` lets one in, and `tune agent --join join.json` starts it; what those of this machine say is in " +
            pool_->folder() + "/agents";
  if (const auto last = pool_->turned_away(); !last.empty()) text += "; the last that was turned away: " + last;
  seen_.push_back(Warned{"no_agents", "executor", std::move(text)});
}

void PoolExecutor::lose_the_unclaimed() {
  claims_until_.reset();
  std::vector<std::pair<TrialId, std::string>> unclaimed;
  for (const auto& [trial, attempt] : attempts_)
    for (const auto& part : attempt.parts)
      if (!part.over && !agents_.at(part.agent).came) unclaimed.emplace_back(trial, part.agent);
  for (const auto& [trial, agent] : unclaimed)
    if (attempts_.contains(trial)) lose_part(trial, agent, "its agent did not come back");
}

void PoolExecutor::add(TrialId trial, Attempt attempt) {
  for (const auto& part : attempt.parts) agents_.at(part.agent).attempts.insert(trial);
  attempts_[trial] = std::move(attempt);
}

PoolExecutor::Attempt PoolExecutor::remove(TrialId trial) {
  std::erase(held_back_, trial);
  auto attempt = std::move(attempts_.extract(trial).mapped());
  for (const auto& part : attempt.parts) agents_.at(part.agent).attempts.erase(trial);
  gathering_.erase(trial);
  starting_.erase(trial);
  return attempt;
}

void PoolExecutor::end_lost(TrialId trial, const Attempt& attempt, const std::string& why) {
  over_[trial] = attempt.number;
  given_up_.insert({trial, attempt.number});
  seen_.push_back(exited(trial, attempt.number, Cause::lost, why));
}

PoolExecutor::Part* PoolExecutor::part_of(Attempt& attempt, const std::string& agent) {
  const auto it = std::find_if(attempt.parts.begin(), attempt.parts.end(), [&](const Part& part) { return part.agent == agent; });
  return it == attempt.parts.end() ? nullptr : &*it;
}

WorkerId PoolExecutor::number_of(const std::string& agent) {
  const auto it = agents_.find(agent);
  if (it != agents_.end()) return it->second.worker;
  const WorkerId next{names_.empty() ? 1 : std::max<std::int64_t>(names_.rbegin()->first.value + 1, 1)};  // 0 is this machine.
  agents_[agent].worker = next;
  names_[next] = agent;
  return next;
}

const std::string* PoolExecutor::agent_of(WorkerId worker) const {
  const auto it = names_.find(worker);
  return it == names_.end() ? nullptr : &it->second;
}

}  // namespace tune
