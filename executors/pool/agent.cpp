// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/agent.hpp"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <deque>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>

#include "executors/clock.hpp"
#include "executors/link/host_name.hpp"
#include "executors/link/line.hpp"
#include "executors/pool/agent_run.hpp"
#include "executors/pool/line_mirror.hpp"
#include "executors/process/rank_meeting.hpp"
#include "tuner/json.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

constexpr double kFarewell = 2;   // Seconds.
constexpr const char* kCutOff = "its agent was cut off from the coordinator";
constexpr double kSilence = 0.5;  // Of a lease without a word: the line may be half of one that broke.

std::string whole_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

class Agent::Inside {
 public:
  explicit Inside(Settings settings) : settings_(std::move(settings)), staging_(settings_.folder + "/staged", settings_.cache, settings_.id) {}
  ~Inside() {
    ending_ = true;
    if (line_) line_->stop();
    courier_.join();
  }

  Result<Done> join();
  void run();
  void leave(const std::string& why, bool kill) {
    post([this, why, kill] { begin_leaving(why, true, kill); });
  }

 private:
  void post(std::function<void()> event) {
    const std::lock_guard lock(mutex_);
    events_.push_back(std::move(event));
    changed_.notify_all();
  }

  // --- the connection ---
  void opened(Line::Opening);
  void closed(const std::string& why, bool refused);
  void received(const std::string& text);
  void say(const Message& message) {
    if (connected_) line_->send(opening_, write_message(message));
  }

  // --- what the coordinator says ---
  void take(const Welcome&);
  void take(const BeatAnswer&);
  void take(const Opening&);
  void take(const Reserve&);
  void take(const Order&);
  void take(const Acknowledged&);
  void take(const Fence& f) { end(f.attempt, Cause::lost, f.why); }
  void take(const EndRanks& e) { end(e.attempt, Cause::gang, e.why); }
  void take(const Closing&);
  void take(const Dismissal& d) { begin_leaving(d.why, d.stop, false); }
  void take(const auto&) {}  // For coordinators only.

  // --- what happens here ---
  void answer(Reserved);
  void end(const AttemptName&, Cause, const std::string& why);
  void happened(const std::string& experiment, std::vector<Observation> seen, Time at);
  void settle_ends(AgentRun&);
  void pass_on(AgentRun&);
  void bring_logs(const std::string& experiment, const std::string& folder, const Exited&, Time at);
  void ended(const std::string& experiment, const Exited&, Time at);
  void begin_leaving(const std::string& why, bool stop, bool kill);
  void on_time();
  void watch_leases(double now);
  void watch_line(double now);
  /// Trials may live for a lease from then on, and for as long as they are given to end.
  void live_from(double covered) {
    if (boot_seconds() >= guarded_until_)  // Too late for our guard: it may have ended them.
      for (auto& [name, run] : runs_) run->cut_off = run->attempts;
    guarded_until_ = covered + times_.lease + times_.grace;
    if (settings_.living) settings_.living(guarded_until_);
  }
  double next_time() const;
  void turn();
  bool is_idle() const;
  bool has_trials() const;
  void forget(const std::string& experiment) {
    runs_.erase(experiment);
    staging_.trim();
  }
  void open(const Opening&, AgentRun&, Spec);
  void look_for_what_is_shared(AgentRun&);
  void tell(const std::string& line) const {
    if (settings_.tell) settings_.tell(line);
  }

  const Settings settings_;
  Staging staging_;
  std::unique_ptr<Line> line_;
  boost::asio::thread_pool courier_{1};  // Brings logs.
  std::atomic<bool> ending_ = false;
  Welcome times_;
  Line::Opening opening_ = 0;
  bool connected_ = false, welcomed_ = false, leaving_ = false, stopping_ = false, over_ = false, farewell_heard_ = false;
  std::string leaving_why_, last_trouble_;
  double hello_at_ = 0, answered_ = 0, guarded_until_ = 0, next_beat_ = 0, busy_at_ = boot_seconds(), word_at_ = busy_at_;
  std::map<std::string, std::int64_t> numbered_;  // Facts of each experiment; goes on if it is forgotten and comes again.
  std::map<std::string, std::unique_ptr<AgentRun>> runs_;

  std::mutex mutex_;  // Of the events, which are all that other threads touch.
  std::condition_variable changed_;
  std::deque<std::function<void()>> events_;
};

// --- the connection -----------------------------------------------------------------------------------------------------

Result<Done> Agent::Inside::join() {
  auto credentials = tune::join(settings_.join, settings_.id);
  if (!credentials) return credentials.error();
  if (settings_.admitted) settings_.admitted(*credentials);
  Line::Callbacks heard;
  heard.opened = [this](Line::Opening opening) { post([this, opening] { opened(opening); }); };
  heard.received = [this](Line::Opening opening, std::string_view text) {
    post([this, opening, message = std::string{text}] {
      if (opening == opening_) received(message);
    });
  };
  heard.closed = [this](Line::Opening, const std::string& why, bool refused) { post([this, why, refused] { closed(why, refused); }); };
  auto line = Line::open({settings_.join.address, std::move(*credentials)}, std::move(heard));
  if (!line) return line.error();
  line_ = std::move(*line);
  return Done{};
}

void Agent::Inside::opened(Line::Opening opening) {
  opening_ = opening;
  connected_ = true, welcomed_ = false;
  Hello hello{settings_.offer, whole_file("/proc/sys/kernel/random/boot_id"), {}};
  hello.worker.agent = settings_.id;
  hello.worker.version = TUNE_VERSION;
  while (!hello.boot_id.empty() && hello.boot_id.back() == '\n') hello.boot_id.pop_back();
  for (auto& [name, run] : runs_) {
    run->open = false, run->said = run->awaited = 0;
    for (const auto& [trial, attempt] : run->attempts) hello.held.push_back({name, trial, attempt});
  }
  hello_at_ = word_at_ = boot_seconds();
  say(hello);
  if (leaving_) say(Leaving{leaving_why_});
}

void Agent::Inside::closed(const std::string& why, bool refused) {
  if (over_) farewell_heard_ = true;
  else if (connected_ || (refused && why != last_trouble_))
    tell((refused ? "the coordinator does not want this agent (" : "the coordinator is out of reach (") + why + "); trying again");
  last_trouble_ = why;
  connected_ = welcomed_ = false;
  for (auto& [name, run] : runs_) run->open = false;
}

void Agent::Inside::received(const std::string& text) {
  word_at_ = boot_seconds();
  auto message = read_message(text);
  if (!message) return tell("the coordinator sent what is no message: " + message.error().message);
  std::visit([this](const auto& m) { take(m); }, *message);
}

void Agent::Inside::take(const Welcome& welcome) {
  if (!std::exchange(welcomed_, true)) tell("joined the pool at " + settings_.join.address);
  times_ = welcome;
  next_beat_ = 0;
}

void Agent::Inside::take(const BeatAnswer& answer) {
  for (auto& [name, run] : runs_)
    if (run->open) run->covered = std::max(run->covered, answer.sent), run->expired = false;
  answered_ = std::max(answered_, answer.sent);
  live_from(answered_);
}

void Agent::Inside::take(const Opening& opening) {
  auto& run = runs_[opening.experiment];
  if (run && run->opening.began != opening.began) run.reset();  // Another experiment of that name.
  if (!run) {
    auto spec = settings_.read_settings(opening.config);
    if (!spec) {
      tell("the settings of " + printable(opening.experiment) + " cannot be read: " + spec.error().message);
      runs_.erase(opening.experiment);
      return;
    }
    run = std::make_unique<AgentRun>(numbered_[opening.experiment]);
    open(opening, *run, std::move(*spec));
  }
  // What was kept for a coordinator that is gone: this one asks again for what it wants.
  run->household->ask([](TrialHost& host) { host.give_up_reserved(); });
  run->opening = opening;
  run->open = true;
  run->covered = std::max({run->covered, hello_at_, answered_});
  run->expired = false;
  live_from(run->covered);
  look_for_what_is_shared(*run);
  pass_on(*run);
}

void Agent::Inside::take(const Reserve& reserve) {
  const auto it = runs_.find(reserve.experiment);
  const auto* launch = reserve.fact.as<Launch>();
  if (it == runs_.end() || !launch) return;
  Reserved reserved;
  reserved.attempt = {reserve.experiment, launch->trial, launch->attempt};
  reserved.round = reserve.round;
  reserved.begun = it->second->attempts.contains({launch->trial, launch->attempt});
  if (leaving_ || reserved.begun || !it->second->unseen.empty()) return answer(std::move(reserved));
  it->second->household->ask([this, reserved, ranks = launch->ranks](TrialHost& host) mutable {
    const auto& [experiment, trial, attempt] = reserved.attempt;
    reserved.begun = host.has_begun(trial, attempt);
    reserved.granted = !reserved.begun && host.reserve(trial, attempt, ranks);
    post([this, reserved = std::move(reserved)]() mutable { answer(std::move(reserved)); });
  });
}

/// With where the ranks of other agents would find ours.
void Agent::Inside::answer(Reserved reserved) {
  if (reserved.granted) {
    reserved.address = address_towards(settings_.join.address);
    const char* node = std::getenv("SLURMD_NODENAME");
    reserved.host = node && *node ? node : reserved.address;
    const auto port = free_port(reserved.address);
    if (!port) tell(port.error().message);
    reserved.port = port ? *port : 0;
  }
  say(reserved);
}

/// Where its trials have their files, and a household for them.
void Agent::Inside::open(const Opening& opening, AgentRun& run, Spec spec) {
  run.spec = std::move(spec);
  const bool same_disk = !opening.mark.empty() && !settings_.own_disk && whole_file(opening.folder + "/.mark") == opening.mark;
  ExecutorContext context{run.spec, opening.folder, opening.checkpoints};
  Elsewhere elsewhere{settings_.id, nullptr, nullptr};
  if (!same_disk) {
    context.folder = run.logs = settings_.folder + "/" + opening.experiment;
    std::error_code failed;
    fs::create_directories(context.folder, failed);
    if (mark_of_checkpoints(run.spec).empty()) {
      context.checkpoints = settings_.folder + "/checkpoints";
      elsewhere.mirror = std::make_shared<LineMirror>(*line_, settings_.id, ending_);
    }
    if (!opening.supplies.empty())
      elsewhere.supplies = run.supplies = std::make_shared<LineSupplies>(*line_, staging_, run.spec, opening.supplies, ending_);
  }
  Household::Callbacks callbacks;
  callbacks.happened = [this, name = opening.experiment](std::vector<Observation> seen, Time at) {
    post([this, name, seen = std::move(seen), at]() mutable { happened(name, std::move(seen), at); });
  };
  callbacks.tell = [this](const std::string& line) { tell(line); };
  run.household = std::make_unique<Household>(run.spec, context, settings_.offer.offers, std::move(elsewhere), std::move(callbacks));
}

/// A machine without what all should see gets no trials.
void Agent::Inside::look_for_what_is_shared(AgentRun& run) {
  const auto unseen = unseen_here(run.spec, run.opening.mark);
  if (unseen.empty() && run.unseen.empty()) return;  // Said at each opening: the coordinator may be another one.
  run.unseen = unseen;
  if (!unseen.empty()) tell("no trials of " + printable(run.opening.experiment) + " here: " + unseen);
  run.keep(WorkerChanged{{}, unseen.empty() ? "ready" : "quarantined", {}, {}, unseen}, EdgeClock{}.now());
}

void Agent::Inside::take(const Order& order) {
  const auto it = runs_.find(order.experiment);
  const auto* decided = order.fact.decided();
  if (it == runs_.end() || !decided) return;
  AgentRun& run = *it->second;
  const auto* launch = std::get_if<Launch>(&decided->what);
  if (!launch) return run.household->ask([d = *decided](TrialHost& host) { host.carry_out(d); });
  if (!run.attempts.insert({launch->trial, launch->attempt}).second) return;  // It has it.
  const auto refuse = [&](Cause cause, std::string why) {
    happened(order.experiment, {Exited{launch->trial, launch->attempt, cause, {}, {}, 0, {}, 0, std::move(why)}}, order.fact.at);
  };
  if (leaving_) return refuse(Cause::preempted, "its agent is leaving: " + leaving_why_);
  if (!run.unseen.empty()) return refuse(Cause::refused, run.unseen);
  // An order that waited in the line while we were stopped or cut off: by now another agent may have it.
  if (boot_seconds() - run.covered >= times_.lease) return refuse(Cause::lost, kCutOff);
  run.household->lease({*launch, launch->params.value_or(Params{}), order.seed, static_cast<std::size_t>(order.done), order.ranks});
}

void Agent::Inside::take(const Acknowledged& acknowledged) {
  const auto it = runs_.find(acknowledged.experiment);
  if (it == runs_.end()) return;
  const auto said = it->second->acknowledged(acknowledged.seq);
  if (!said) return;
  take(BeatAnswer{*said});
  next_beat_ = std::max(next_beat_, *said + times_.beat);
}

void Agent::Inside::end(const AttemptName& name, Cause cause, const std::string& why) {
  const auto it = runs_.find(name.experiment);
  if (it == runs_.end()) return;
  it->second->household->ask([trial = name.trial, attempt = name.attempt, cause, why](TrialHost& host) {
    host.give_up_reserved(trial, attempt);
    host.kill(trial, attempt, cause, why);
  });
}

void Agent::Inside::take(const Closing& closing) {
  const auto it = runs_.find(closing.experiment);
  if (it == runs_.end()) return;
  if (closing.forget) return forget(closing.experiment);
  it->second->household->ask([kill = closing.kill](TrialHost& host) {
    host.end_all(Cause::shutdown, kill ? "killed by the user" : "shutdown", kill);
  });
}

// --- what happens here --------------------------------------------------------------------------------------------------

void Agent::Inside::happened(const std::string& experiment, std::vector<Observation> seen, Time at) {
  watch_leases(boot_seconds());  // We may have been stopped for a while, and our trials ended for it.
  const auto it = runs_.find(experiment);
  if (it == runs_.end()) return;
  AgentRun& run = *it->second;
  for (auto& observation : seen)
    if (auto* exited = std::get_if<Exited>(&observation)) run.ends.push_back({std::move(*exited), at, boot_seconds()});
    else run.keep(std::move(observation), at);
  settle_ends(run);
  pass_on(run);
}

void Agent::Inside::settle_ends(AgentRun& run) {
  for (auto& [exited, at, seen] : run.clear_ends(boot_seconds(), stopping_ ? &leaving_why_ : nullptr))
    if (run.logs.empty()) run.keep(std::move(exited), at);
    else bring_logs(run.opening.experiment, run.logs, exited, at);
}

/// Before its end is said: the experiment may be over with it, and nobody be there for the logs.
void Agent::Inside::bring_logs(const std::string& experiment, const std::string& folder, const Exited& exited, Time at) {
  const std::string attempt = std::to_string(exited.trial.value) + "/" + std::to_string(exited.attempt);
  boost::asio::post(courier_, [this, experiment, exited, at, attempt, from = folder + "/" + attempt] {
    std::error_code failed;
    for (fs::directory_iterator file(from, failed), end; !failed && file != end; file.increment(failed)) {
      const std::string name = file->path().filename();
      if (!name.ends_with(".log")) continue;
      const auto to = "logs/" + experiment + "/" + attempt + "/" + name;
      const auto sent = patiently(ending_, [&] { return line_->store(file->path(), to); });
      if (!sent) tell("the log of trial " + attempt + " could not be brought: " + sent.error().message);
    }
    post([this, experiment, exited, at] { ended(experiment, exited, at); });
  });
}

void Agent::Inside::ended(const std::string& experiment, const Exited& exited, Time at) {
  const auto it = runs_.find(experiment);
  if (it == runs_.end() || !it->second->attempts.contains({exited.trial, exited.attempt})) return;
  it->second->keep(exited, at);
  pass_on(*it->second);
}

/// Says what was not said on this connection yet.
void Agent::Inside::pass_on(AgentRun& run) {
  if (!connected_) return;
  for (const auto& message : run.to_say(boot_seconds())) say(message);
}

void Agent::Inside::begin_leaving(const std::string& why, bool stop, bool kill) {
  if (!leaving_) {
    tell("leaving: " + why);
    leaving_why_ = why;
    say(Leaving{why});
  }
  leaving_ = true;
  if (!stop) return;
  stopping_ = true;
  for (auto& [name, run] : runs_)
    run->household->ask([why, kill](TrialHost& host) { host.end_all(Cause::preempted, why, kill); });
}

bool Agent::Inside::is_idle() const {
  return std::all_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second->is_idle(); });
}

/// That live.
bool Agent::Inside::has_trials() const {
  return std::any_of(runs_.begin(), runs_.end(), [](const auto& run) { return run.second->has_trials(); });
}

/// What time alone brings: beats, the end of leases, of idleness, of the allocation.
void Agent::Inside::on_time() {
  const double now = boot_seconds();
  if (welcomed_ && now >= next_beat_) {
    say(Beat{now});
    next_beat_ = now + times_.beat;
  }
  watch_leases(now);
  watch_line(now);
  for (auto& [name, run] : runs_)
    if (!run->ends.empty()) settle_ends(*run), pass_on(*run);
  if (has_trials()) busy_at_ = now;
  if (settings_.patience > 0 && !leaving_ && now - std::max(busy_at_, word_at_) >= settings_.patience) begin_leaving("its coordinator does not come back", false, false);
  if (settings_.idle > 0 && !leaving_ && now - busy_at_ >= settings_.idle) begin_leaving("nothing to do", false, false);
  if (const auto& deadline = settings_.offer.deadline; deadline && !stopping_) {
    const double left = deadline->seconds - EdgeClock{}.now().seconds;
    if (left <= settings_.margin) begin_leaving("its time is nearly over", true, false);
  }
  // What nobody heard for so long is of trials that were given away.
  const bool in_vain = !has_trials() && now - word_at_ >= times_.lease + times_.grace;
  if (leaving_ && (is_idle() || in_vain)) {
    say(Gone{settings_.id, leaving_why_});
    over_ = true;
  }
}

/// Nobody has said for a whole lease that the experiment is still run: its trials may have been given away, or soon are.
void Agent::Inside::watch_leases(double now) {
  std::vector<std::string> lost;
  for (auto& [name, run] : runs_) {
    if (now - run->covered < times_.lease) continue;
    if (run->attempts.empty() && !run->open) lost.push_back(name);
    if (run->attempts.empty() || std::exchange(run->expired, true)) continue;
    run->cut_off = run->attempts;
    tell("ending the trials of " + printable(name) + ": no word from the coordinator for " + to_text(times_.lease) + " s");
    run->household->ask([](TrialHost& host) { host.end_all(Cause::lost, kCutOff, false); });
  }
  for (const auto& name : lost) forget(name);
}

void Agent::Inside::watch_line(double now) {
  if (!connected_ || now - word_at_ < kSilence * times_.lease) return;
  tell("no word from the coordinator for half a lease; dialling anew");
  connected_ = false;
  line_->reconnect_now();
}

double Agent::Inside::next_time() const {
  double next = boot_seconds() + 1;
  if (welcomed_) next = std::min(next, next_beat_);
  if (connected_) next = std::min(next, word_at_ + kSilence * times_.lease);
  for (const auto& [name, run] : runs_) {
    if (!run->attempts.empty() && !run->expired) next = std::min(next, run->covered + times_.lease);
    if (!run->ends.empty()) next = std::min(next, run->ends.front().seen + AgentRun::kDoubt);
  }
  return next;
}

/// What other threads brought, and what time did.
void Agent::Inside::turn() {
  std::deque<std::function<void()>> events;
  {
    std::unique_lock lock(mutex_);
    const double wait = std::clamp(next_time() - boot_seconds(), 0.0, 1.0);
    changed_.wait_for(lock, std::chrono::duration<double>(wait), [this] { return !events_.empty(); });
    events.swap(events_);
  }
  for (auto& event : events) event();
}

void Agent::Inside::run() {
  while (!over_) {
    turn();
    on_time();
  }
  ending_ = true;
  runs_.clear();
  for (const double until = boot_seconds() + kFarewell; connected_ && !farewell_heard_ && boot_seconds() < until;) turn();
  line_->stop();
}

Agent::Agent(std::unique_ptr<Inside> inside) : inside_(std::move(inside)) {}
Agent::~Agent() = default;
void Agent::run() { inside_->run(); }
void Agent::leave(const std::string& why, bool kill) { inside_->leave(why, kill); }
Result<std::unique_ptr<Agent>> Agent::join(Settings settings) {
  auto inside = std::make_unique<Inside>(std::move(settings));
  if (auto joined = inside->join(); !joined) return joined.error();
  return std::unique_ptr<Agent>(new Agent(std::move(inside)));
}

}  // namespace tune
