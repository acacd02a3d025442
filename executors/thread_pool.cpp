// SPDX-License-Identifier: Apache-2.0
#include "executors/thread_pool.hpp"

#include <time.h>

#include "executors/checkpoints.hpp"
#include "executors/process/environment.hpp"
#include "executors/thread_line.hpp"
#include "tuner/instances.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

fs::path temporary_folder() {
  std::string name = (fs::temp_directory_path() / "tune-XXXXXX").string();
  return mkdtemp(name.data()) ? fs::path{name} : fs::path{};
}

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
  here.labels = labels_of_this_machine();
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
  } catch (const detail::SaveFailed& e) {
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

}  // namespace tune
