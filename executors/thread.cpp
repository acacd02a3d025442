// SPDX-License-Identifier: Apache-2.0
#include "executors/thread.hpp"

#include <dlfcn.h>
#include <time.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <deque>
#include <filesystem>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <unordered_map>

#include "executors/checkpoints.hpp"
#include "tuner/instances.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

/// What a trial is told by save() when there is no room for it: the machine's trouble and not the trial's.
struct SaveFailed : std::runtime_error {
  using runtime_error::runtime_error;
};

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

fs::path temporary_folder() {
  std::string name = (fs::temp_directory_path() / "tune-XXXXXX").string();
  return mkdtemp(name.data()) ? fs::path{name} : fs::path{};
}

/// The wall clock at the beginning, carried on by a clock that never goes back.
class Clock {
 public:
  Time now() const { return {start_ + std::chrono::duration<double>(Steady::now() - began_).count()}; }
  std::chrono::steady_clock::time_point at(Time t) const {
    const double ahead = std::clamp(t.seconds - start_, -1e9, 1e9);
    return began_ + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(ahead));
  }

 private:
  using Steady = std::chrono::steady_clock;
  Steady::time_point began_ = Steady::now();
  double start_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
};

}  // namespace

/// Threads, the launches they take and the observations they leave. All under `mutex_`, but for what says otherwise.
class ThreadExecutor::Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(const Spec& spec, TrainableFactory factory, std::string checkpoints);
  ~Pool();

  std::vector<Observation> open(const History&);
  void launch(const Launch&, const History&);
  void extend(TrialId, std::int64_t until_step);
  void ask(TrialId, int attempt, Cause);
  void collect(const Collect&);
  std::vector<Observation> wait(std::optional<Time> until);
  void interrupt();
  void shut_down(bool kill);
  void join();
  Time now() const { return clock_.now(); }

 private:
  struct Order {
    TrialId trial;
    int attempt = 0;
    std::int64_t until_step = kNoStep;
    std::optional<std::string> from;
    std::int64_t from_step = 0;
    Params params;
    std::uint64_t seed = 0;
  };
  class Line;

  void serve();
  void delete_files();
  void run(Line&, std::unique_lock<std::mutex>&);
  void tell(Observation);
  void leave(TrialId, int attempt, Cause);

  // Copied: code that was killed may still ask after the spec is gone.
  const std::string name_;
  const Spec& spec_;  // Only on the loop's side.
  const std::vector<std::string> instances_;
  const bool saves_;
  const std::optional<std::int64_t> save_every_;
  const std::optional<Duration> trial_time_;
  const double cpus_each_;
  const int slots_;
  const TrainableFactory factory_;
  const Clock clock_;
  fs::path root_;
  bool temporary_ = false;

  std::mutex mutex_;
  std::condition_variable work_, heard_;
  std::deque<Order> again_, fresh_;  // Trials that ran before go first.
  std::unordered_map<std::int64_t, Line*> live_;
  std::unordered_map<std::int64_t, int> newest_;  // Attempt by trial, so that a launch carried out twice is one.
  std::vector<Observation> out_;
  std::vector<std::thread> threads_;
  std::deque<Collect> rubbish_;  // For `deleter_`, which is there while there is any.
  std::thread deleter_;
  bool deleting_ = false;
  int idle_ = 0;
  bool listening_ = false, interrupt_ = false, ending_ = false, killed_ = false;
};

/// The session of one attempt, on its thread's stack.
class ThreadExecutor::Pool::Line final : public Session {
 public:
  Line(Pool& pool, Order order)
      : pool_(pool), order_(std::move(order)), until_(order_.until_step), began_(pool.clock_.now()) {}

  const Params& params() const override { return order_.params; }
  std::string trial_id() const override { return pool_.name_ + "/" + std::to_string(order_.trial.value); }
  std::int64_t number_of_trial() const override { return order_.trial.value; }
  std::uint64_t seed() const override { return order_.seed; }
  std::vector<std::string> instances() const override { return pool_.instances_; }
  std::int64_t until_step() const override {
    const std::lock_guard lock(pool_.mutex_);
    return until_;
  }
  std::optional<fs::path> checkpoint() const override { return checkpoint_; }
  std::int64_t checkpoint_step() const override { return checkpoint_ ? order_.from_step : 0; }

  bool report(std::int64_t step, const Metrics& metrics) override {
    if (step <= last_step_)
      throw std::invalid_argument("step " + std::to_string(step) + " was reported after step " +
                                  std::to_string(last_step_));
    last_step_ = step;
    std::unique_lock lock(pool_.mutex_);
    Reported r;
    r.trial = order_.trial;
    r.attempt = order_.attempt;
    r.seq = ++seq_;
    r.step = step;
    r.metrics = metrics;
    pool_.tell(std::move(r));
    if (!asked_ && pool_.trial_time_ && pool_.clock_.now() - began_ > *pool_.trial_time_) asked_ = Cause::timeout;
    changed_.wait(lock, [&] { return step < until_ || asked_; });
    told_ = asked_;
    return !told_;
  }

  bool should_save() const override {
    if (!pool_.saves_) return false;
    if (told_) return *told_ == Cause::paused || *told_ == Cause::shutdown;
    return pool_.save_every_ && last_step_ % *pool_.save_every_ == 0;
  }

  void save(std::int64_t step, const std::function<void(const fs::path&)>& write) override {
    if (!pool_.saves_) throw std::logic_error("nothing can be saved: the config has no `checkpoint`");
    const Time began = pool_.clock_.now();
    const fs::path folder =
        pool_.root_ / "saving" / ("trial-" + std::to_string(order_.trial.value) + "-" + std::to_string(order_.attempt));
    std::error_code error;
    fs::remove_all(folder, error);
    if (!fs::create_directories(folder, error)) throw SaveFailed(folder.string() + ": " + error.message());
    write(folder);
    const auto origin = Checkpoints::origin(pool_.name_, order_.trial, order_.attempt, step);
    auto committed = Checkpoints{pool_.root_}.commit(folder, origin);
    if (!committed) throw SaveFailed(committed.error().message);
    Checkpointed c;
    c.trial = order_.trial;
    c.attempt = order_.attempt;
    c.step = step;
    c.checkpoint = std::move(committed->hash);
    c.bytes = committed->bytes;
    c.seconds = (pool_.clock_.now() - began).seconds;
    const std::lock_guard lock(pool_.mutex_);
    pool_.tell(std::move(c));
  }

 private:
  friend class Pool;
  Exited ended(Cause cause, std::string text) const {
    Exited e;
    e.trial = order_.trial;
    e.attempt = order_.attempt;
    e.cause = cause;
    e.last_seq = seq_;
    e.text = std::move(text);
    e.usage.seconds = (pool_.clock_.now() - began_).seconds;
    return e;
  }

  Pool& pool_;
  const Order order_;
  std::optional<fs::path> checkpoint_;
  std::int64_t last_step_ = 0, seq_ = 0;
  std::optional<Cause> told_;  // What report() has passed on to the trial.
  // Under the pool's lock:
  std::int64_t until_;
  std::optional<Cause> asked_;
  std::condition_variable changed_;
  const Time began_;
};

// --- the loop's side
// --------------------------------------------------------------------------------------------------

namespace {

double cores() { return std::max(1u, std::thread::hardware_concurrency()); }

double cpus_offered(const Spec& spec) {
  return std::max(cores(), spec.parallel ? *spec.parallel * spec.resources.cpus : 0.0);
}

int slots(const Spec& spec) {
  if (spec.parallel) return *spec.parallel;
  return spec.resources.cpus > 0 ? std::max(1, static_cast<int>(cpus_offered(spec) / spec.resources.cpus + 1e-9))
                                 : static_cast<int>(cores());
}

}  // namespace

ThreadExecutor::Pool::Pool(const Spec& spec, TrainableFactory factory, std::string checkpoints)
    : name_(spec.name),
      spec_(spec),
      instances_(drawn_instances(spec)),
      saves_(spec.checkpoint.has_value()),
      save_every_(saves_ ? spec.checkpoint->every : std::nullopt),
      trial_time_(spec.stop.trial_time),
      cpus_each_(cpus_offered(spec)),
      slots_(slots(spec)),
      factory_(std::move(factory)),
      root_(std::move(checkpoints)) {
  if (saves_ && root_.empty()) {
    root_ = temporary_folder();
    temporary_ = true;
  }
}

ThreadExecutor::Pool::~Pool() {
  std::error_code ignored;  // A temporary folder that cannot be removed harms nobody.
  if (!root_.empty()) fs::remove(root_ / "saving", ignored);  // Empty, unless a save was abandoned.
  if (temporary_ && !root_.empty()) fs::remove_all(root_, ignored);
}

std::vector<Observation> ThreadExecutor::Pool::open(const History& history) {
  std::vector<Observation> seen;
  WorkerJoined here;
  here.worker = {0};
  here.name = "local";
  here.offers.cpus = cpus_each_;
  seen.push_back(std::move(here));
  for (const Trial& t : history.trials())
    if (t.state == TrialState::running && !t.attempt_over) {
      Exited e;
      e.trial = t.id;
      e.attempt = t.attempt;
      e.cause = Cause::lost;
      e.text = "the process that ran it is gone";
      seen.push_back(std::move(e));
    }
  return seen;
}

void ThreadExecutor::Pool::launch(const Launch& l, const History& history) {
  Trial unknown;
  unknown.id = l.trial;
  const Trial& t = history.contains(l.trial) ? history.trial(l.trial) : unknown;
  Order order{l.trial, l.attempt, l.until_step, l.from, 0, l.params ? *l.params : t.params, seed_of(spec_, t)};
  if (l.from) order.from_step = t.checkpoint_step;
  const std::unique_lock lock(mutex_);
  if (int& newest = newest_[l.trial.value]; newest >= l.attempt)
    return;
  else
    newest = l.attempt;
  if (ending_) return leave(l.trial, l.attempt, Cause::shutdown);
  (l.attempt > 1 ? again_ : fresh_).push_back(std::move(order));
  if (idle_ > 0)
    work_.notify_one();
  else if (threads_.size() < static_cast<std::size_t>(slots_))
    threads_.emplace_back([self = shared_from_this()] { self->serve(); });
}

void ThreadExecutor::Pool::extend(TrialId trial, std::int64_t until_step) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(trial.value);
  if (found == live_.end()) {
    for (auto* line : {&again_, &fresh_})
      for (auto& order : *line)
        if (order.trial == trial) order.until_step = std::max(order.until_step, until_step);
    return;
  }
  found->second->until_ = std::max(found->second->until_, until_step);
  found->second->changed_.notify_one();
}

void ThreadExecutor::Pool::ask(TrialId trial, int attempt, Cause cause) {
  const std::lock_guard lock(mutex_);
  const auto found = live_.find(trial.value);
  if (found != live_.end() && found->second->order_.attempt == attempt) {
    found->second->asked_ = cause;
    found->second->changed_.notify_one();
    return;
  }
  for (auto* line : {&again_, &fresh_})
    if (std::erase_if(*line, [&](const Order& o) { return o.trial == trial && o.attempt == attempt; }) > 0)
      leave(trial, attempt, cause);
}

std::vector<Observation> ThreadExecutor::Pool::wait(std::optional<Time> until) {
  std::unique_lock lock(mutex_);
  listening_ = true;
  const auto something = [&] { return !out_.empty() || interrupt_; };
  if (until)
    heard_.wait_until(lock, clock_.at(*until), something);
  else
    heard_.wait(lock, something);
  listening_ = interrupt_ = false;
  return std::exchange(out_, {});
}

void ThreadExecutor::Pool::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupt_ = true;
  heard_.notify_one();
}

void ThreadExecutor::Pool::shut_down(bool kill) {
  const std::lock_guard lock(mutex_);
  ending_ = true;
  for (auto* line : {&again_, &fresh_})
    for (const auto& order : std::exchange(*line, {})) leave(order.trial, order.attempt, Cause::shutdown);
  for (auto& [trial, session] : live_) {
    session->asked_ = Cause::shutdown;
    if (kill && !killed_) tell(session->ended(Cause::shutdown, ""));
    session->changed_.notify_one();
  }
  killed_ = killed_ || kill;
  work_.notify_all();
}

void ThreadExecutor::Pool::join() {
  bool abandoned;
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
    abandoned = killed_;
    for (auto& [trial, session] : live_) session->asked_ = Cause::shutdown, session->changed_.notify_one();
    work_.notify_all();
  }
  for (auto& t : threads_) abandoned ? t.detach() : t.join();
  if (deleter_.joinable()) deleter_.join();
}

void ThreadExecutor::Pool::collect(const Collect& c) {
  const std::lock_guard lock(mutex_);
  rubbish_.push_back(c);
  if (deleting_) return;
  if (deleter_.joinable()) deleter_.join();  // It holds no lock any more.
  deleting_ = true;
  deleter_ = std::thread([this] { delete_files(); });
}

void ThreadExecutor::Pool::delete_files() {
  std::unique_lock lock(mutex_);
  for (; !rubbish_.empty();) {
    Collected gone{std::move(rubbish_.front().checkpoints), 0};
    rubbish_.pop_front();
    lock.unlock();
    for (const auto& hash : gone.checkpoints)
      if (const auto bytes = Checkpoints{root_}.remove(hash)) gone.bytes += *bytes;
    lock.lock();
    tell(std::move(gone));
  }
  deleting_ = false;
}

void ThreadExecutor::Pool::leave(TrialId trial, int attempt, Cause cause) {
  Exited e;
  e.trial = trial;
  e.attempt = attempt;
  e.cause = cause;
  tell(std::move(e));
}

void ThreadExecutor::Pool::tell(Observation o) {
  if (killed_) return;
  out_.push_back(std::move(o));
  if (listening_) heard_.notify_one(), listening_ = false;
}

// --- the trials' side
// -------------------------------------------------------------------------------------------------

void ThreadExecutor::Pool::serve() {
  std::unique_lock lock(mutex_);
  for (;;) {
    ++idle_;
    work_.wait(lock, [&] { return ending_ || !again_.empty() || !fresh_.empty(); });
    --idle_;
    if (again_.empty() && fresh_.empty()) return;
    auto& line = again_.empty() ? fresh_ : again_;
    Line session{*this, std::move(line.front())};
    line.pop_front();
    live_[session.order_.trial.value] = &session;
    run(session, lock);
    live_.erase(session.order_.trial.value);
  }
}

// One attempt, from Started to Exited. Under the lock but while the trial's code runs.
void ThreadExecutor::Pool::run(Line& session, std::unique_lock<std::mutex>& lock) {
  const auto& order = session.order_;
  if (order.from) {
    lock.unlock();
    auto folder = Checkpoints{root_}.restore(*order.from);
    lock.lock();
    if (!folder) {
      tell(CheckpointLost{*order.from, folder.error().message});
      return tell(session.ended(Cause::refused, folder.error().message));
    }
    session.checkpoint_ = *folder;
  }
  Started started;
  started.trial = order.trial;
  started.attempt = order.attempt;
  started.worker = {0};
  tell(std::move(started));
  lock.unlock();

  Cause cause = Cause::done;
  std::string text;
  const double cpu = thread_cpu_seconds();
  try {
    factory_()->run(session);
    if (session.told_) cause = *session.told_;
  } catch (const SaveFailed& e) {
    cause = Cause::disk, text = e.what();
  } catch (const std::exception& e) {
    cause = Cause::exit, text = e.what();
  } catch (...) {
    cause = Cause::exit, text = "threw what is not a std::exception";
  }
  auto exited = session.ended(cause, std::move(text));
  exited.usage.cpu_seconds = thread_cpu_seconds() - cpu;
  lock.lock();
  tell(std::move(exited));
}

// --- ThreadExecutor
// -----------------------------------------------------------------------------------------------------

ThreadExecutor::ThreadExecutor(const Spec& spec, TrainableFactory factory, std::string checkpoints)
    : pool_(std::make_shared<Pool>(spec, std::move(factory), std::move(checkpoints))) {}
ThreadExecutor::~ThreadExecutor() { pool_->join(); }

Time ThreadExecutor::now() const { return pool_->now(); }
std::vector<Observation> ThreadExecutor::open(const History& h) { return pool_->open(h); }
std::vector<Observation> ThreadExecutor::wait(std::optional<Time> until) { return pool_->wait(until); }
void ThreadExecutor::interrupt() { pool_->interrupt(); }
void ThreadExecutor::shut_down(bool kill) { pool_->shut_down(kill); }

void ThreadExecutor::carry_out(const Decided& decided, const History& history) {
  std::visit(
      overloaded{[&](const Launch& l) { pool_->launch(l, history); },
                 [&](const Extend& e) { pool_->extend(e.trial, e.until_step); },
                 [&](const Pause& p) { pool_->ask(p.trial, p.attempt, Cause::paused); },
                 [&](const Stop& s) {
                   pool_->ask(s.trial, s.attempt, s.as == TrialState::cancelled ? Cause::cancelled : Cause::stopped);
                 },
                 [&](const Exploit& e) { pool_->ask(e.trial, e.attempt, Cause::exploited); },
                 [&](const Collect& c) { pool_->collect(c); },
                 [](const auto&) {}},
      decided.what);
}

// --- by name
// ------------------------------------------------------------------------------------------------------------

Result<Done> load_plugin(const std::string& path) {
  // Never closed: trainables that it registered are code in it.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!library)
    return Error{Error::Code::invalid, "trainable.plugin: " + printable(dlerror()),
                 "it must be a shared library that is built against this tune"};
  const auto entry = reinterpret_cast<void (*)()>(dlsym(library, "tune_plugin"));
  if (!entry)
    return Error{Error::Code::invalid, "trainable.plugin: " + printable(path) + " has no function `tune_plugin`",
                 "define extern \"C\" void tune_plugin() that calls tune::register_trainable"};
  try {
    entry();
  } catch (const std::exception& e) {
    return Error{Error::Code::invalid,
                 "trainable.plugin: tune_plugin of " + printable(path) + " threw: " + printable(e.what()), ""};
  }
  return Done{};
}

namespace {

Result<std::unique_ptr<Executor>> make(const ExecutorContext& c) {
  if (c.spec.trainable.empty())
    return Error{Error::Code::invalid, "executor.type: `thread` runs a `trainable`, and the config has a command",
                 "use executor.type `process`"};
  if (!c.spec.plugin.empty())
    if (auto loaded = load_plugin(c.spec.plugin); !loaded) return loaded.error();
  const auto* factory = find_trainable(c.spec.trainable);
  if (factory) return std::unique_ptr<Executor>(std::make_unique<ThreadExecutor>(c.spec, *factory, c.checkpoints));
  std::string known;
  for (const auto& name : trainable_names()) known += (known.empty() ? "" : ", ") + printable(name);
  return Error{
      Error::Code::not_found, "trainable.name: nobody has registered `" + printable(c.spec.trainable) + "`",
      known.empty() ? "none is registered; does trainable.plugin name the library?" : "registered are " + known};
}

}  // namespace

ExecutorEntry thread() { return {{"thread", "C++ trainables on threads of this process."}, make}; }

}  // namespace tune
