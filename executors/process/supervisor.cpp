// SPDX-License-Identifier: Apache-2.0
#include "executors/process/supervisor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>

#include "executors/process/supervisor_impl.hpp"
#include "tuner/json.hpp"

namespace tune {

using namespace detail;
using Channel = ReportSpec::Channel;

Clock::duration detail::ticks(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e9)));
}

namespace {

constexpr std::size_t kLongestRegexLine = 4096;

// The thread for slow things. No signal is ever handled on it.
std::unique_ptr<asio::thread_pool> background_thread() {
  sigset_t all, before;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, &before);
  auto made = std::make_unique<asio::thread_pool>(1);
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return made;
}

}  // namespace

Supervisor::Impl::Impl(Settings settings)
    : settings_(std::move(settings)), checkpoints_(settings_.checkpoints), background_(background_thread()) {
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGCHLD, SIG_DFL);  // If we inherited "ignore", the kernel would throw exit codes away.
  become_subreaper();
  known_oom_kills_ = oom_kills();
  if (settings_.cgroups) {
    auto made = Cgroups::open(settings_.experiment);
    if (made)
      cgroups_ = std::move(*made);
    else
      observe(Warned{"isolation", "executor.isolate", made.error().message + "; " + made.error().hint});
  }
  for (const auto& [name, error] : patterns_.errors())
    observe(Warned{"regex", "report.regex." + name, "this is no pattern: " + error});
  const auto channel = settings_.report.channel;
  if (channel == Channel::automatic || channel == Channel::socket)
    door_ = std::make_unique<Door>(io_, [this](Descriptor fd, const std::string& token, std::string rest) {
      enter(std::move(fd), token, rest);
    });
}

Supervisor::Impl::~Impl() {
  while (!live_.empty()) {
    for (const auto& [id, a] : live_)
      if (!a->exited) kill(a);
    seen_.clear();
    wait(now() + Duration{0.1});
  }
  background_->join();
}

Time Supervisor::Impl::now() const { return clock_.now(); }

const std::string& Supervisor::Impl::socket_path() const {
  static const std::string none;
  return door_ ? door_->path() : none;
}

void Supervisor::Impl::start(Order order) {
  auto a = std::make_shared<Attempt>(io_, std::move(order), settings_.report);
  Ends ends;
  if (!ends.open()) return refuse(*a, errno);
  if (cgroups_) {
    a->cgroup = cgroups_->make(cgroup_name(*a), a->order.memory_bytes);
    if (!a->cgroup) return refuse(*a, errno);
  }
  Launched launched = launch(a->order, ends, a->cgroup.get());
  if (launched.error != 0) return could_not_start(*a, launched);
  adopt(a, std::move(launched), ends);
}

void Supervisor::Impl::ask(TrialId trial, int attempt, Cause cause, const std::string& why) {
  const auto a = find(trial, attempt);
  if (!a || a->ending) return;
  end(a, cause, why);
}

void Supervisor::Impl::kill_now(TrialId trial, int attempt, Cause cause, const std::string& why) {
  const auto a = find(trial, attempt);
  if (!a) return;
  if (!a->ending) a->ending = cause, a->why = why;
  if (!a->exited) kill(a);
}

void Supervisor::Impl::extend(TrialId trial, std::int64_t until_step, const std::string& why) {
  const auto it = live_.find(trial.value);
  if (it == live_.end()) return;
  const AttemptPtr a = it->second;
  // A grant only grows: in logical order the launch allowed every step, and the bound is the virtual slot's alone.
  a->order.until_step = std::max(a->order.until_step, until_step);
  a->why = why;
  answer_durable(a);
}

void Supervisor::Impl::update(TrialId trial, int attempt, const Params& params, const std::optional<std::string>& checkpoint) {
  const auto a = find(trial, attempt);
  if (!a || a->ending) return;
  std::string line = R"({"cmd":"update","params":)";
  JsonWriter json(line);
  json.begin_object();
  for (const auto& [name, value] : params) {
    json.key(name);
    std::visit([&](const auto& v) { json.value(v); }, value);
  }
  json.end_object();
  if (checkpoint) json.key("checkpoint").value(*checkpoint);
  line += "}\n";
  tell(a, std::move(line));
  observe(Updated{trial, attempt, a->step});
}

void Supervisor::Impl::acknowledge(TrialId trial, int attempt, std::int64_t seq) {
  const auto it = live_.find(trial.value);
  if (it == live_.end() || it->second->order.attempt != attempt) return;
  it->second->durable_seq = std::max(it->second->durable_seq, seq);
  if (it->second->waiting.empty()) return;
  const AttemptPtr a = it->second;
  bool any = false;
  for (auto& w : a->waiting)
    if (w.seq <= seq) any = w.durable = true;
  if (any) answer_durable(a);
}

void Supervisor::Impl::in_background(std::function<std::function<void()>()> slow) {
  asio::post(*background_, [this, slow = std::move(slow)] { asio::post(io_, slow()); });
}

std::vector<Observation> Supervisor::Impl::wait(std::optional<Time> until) {
  resume();
  const auto deadline = Clock::now() + ticks(until ? std::max((*until - now()).seconds, 0.0) : 1e9);
  while (seen_.empty() && !interrupted_.load(std::memory_order_acquire)) {
    io_.run_one_until(deadline);
    if (Clock::now() >= deadline) break;
  }
  interrupted_.store(false, std::memory_order_release);
  // What is ready by now comes in the same turn: a commit is shared by all of it.
  for (int handlers = 0; handlers < 256 && !full() && io_.poll_one() > 0;) ++handlers;
  return std::exchange(seen_, {});
}

void Supervisor::Impl::interrupt() {
  interrupted_.store(true, std::memory_order_release);
  asio::post(io_, [] {});
}

bool Supervisor::Impl::Ends::open() {
  int fd[2];
  const auto take = [&](Descriptor (&to)[2]) { return to[0].reset(fd[0]), to[1].reset(fd[1]), true; };
  return ::pipe2(fd, O_CLOEXEC) == 0 && take(out) && ::pipe2(fd, O_CLOEXEC) == 0 && take(err) &&
         ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0 && take(line);
}

Launched Supervisor::Impl::launch(const Order& order, const Ends& ends, int cgroup) {
  Program program;
  program.out = ends.out[1].get(), program.err = ends.err[1].get(), program.channel = ends.line[1].get(), program.cgroup = cgroup;
  MainPrograms mains;
  auto launched = launcher_.start(order.argv, order.env, order.cwd, program);
  if (launched.error == 0) mains.insert(launched.pid);
  return launched;
}

void Supervisor::Impl::adopt(const AttemptPtr& a, Launched launched, Ends& ends) {
  a->pid = launched.pid;
  a->pidfd.assign(launched.pidfd.release());
  a->started_at = Clock::now();
  a->began = a->heard = watch_now();
  live_.emplace(a->order.trial.value, a);
  observe(Started{a->order.trial, a->order.attempt, 0, a->order.worker, a->pid});

  const auto max_line = static_cast<std::size_t>(settings_.report.max_line_bytes);
  add(a, Stream::Kind::out, ends.out[0], std::max(max_line + kPrefix.size(), kLongestRegexLine), kPrefix);
  add(a, Stream::Kind::err, ends.err[0], kLongestRegexLine, kPrefix);
  add(a, Stream::Kind::line, ends.line[0], max_line, "");
  a->pidfd.async_wait(Ready::wait_read, [this, a](boost::system::error_code error) {
    if (!error) on_exit(a);
  });
  arm(a);
}

StreamPtr Supervisor::Impl::add(const AttemptPtr& a, Stream::Kind kind, Descriptor& fd, std::size_t max_line, std::string_view counted) {
  auto s = std::make_shared<Stream>(io_, kind, max_line, counted);
  s->fd.assign(fd.release());
  a->streams.push_back(s);
  listen(a, s);
  return s;
}

void Supervisor::Impl::refuse(const Attempt& a, int error) {
  exited(a, Cause::refused, std::string{"could not be started: "} + std::strerror(error));
}

void Supervisor::Impl::could_not_start(const Attempt& a, const Launched& launched) {
  if (cgroups_) cgroups_->remove(cgroup_name(a));
  // Too many processes, too little memory: the machine's trouble, not the program's.
  const std::string step = launched.step;
  const bool crowded = launched.error == EAGAIN || launched.error == ENOMEM || launched.error == EMFILE || launched.error == ENFILE;
  const bool refused = crowded || step == "clone" || step == "cgroup";
  exited(a, refused ? Cause::refused : Cause::exec,
         start_error_text(step, launched.error, a.order.argv.front(), a.order.cwd));
}

void Supervisor::Impl::exited(const Attempt& a, Cause cause, const std::string& text) {
  Exited e{a.order.trial, a.order.attempt, cause, {}, {}, 0, a.usage, a.seq, text};
  if (a.exited && a.code == CLD_EXITED) e.exit_code = a.status;
  if (a.exited && a.code != CLD_EXITED) e.signal = a.status;
  observe(std::move(e));
}

AttemptPtr Supervisor::Impl::find(TrialId trial, int attempt) const {
  const auto it = live_.find(trial.value);
  return it == live_.end() || it->second->order.attempt != attempt ? nullptr : it->second;
}

std::string Supervisor::Impl::cgroup_name(const Attempt& a) {
  return std::to_string(a.order.trial.value) + "-" + std::to_string(a.order.attempt);
}

Supervisor::Supervisor(Settings settings) : impl_(std::make_unique<Impl>(std::move(settings))) {}
Supervisor::~Supervisor() = default;
Time Supervisor::now() const { return impl_->now(); }
void Supervisor::start(Order order) { impl_->start(std::move(order)); }
std::size_t Supervisor::live() const { return impl_->live(); }
bool Supervisor::is_live(TrialId trial) const { return impl_->is_live(trial); }
void Supervisor::ask(TrialId t, int attempt, Cause cause, const std::string& why) { impl_->ask(t, attempt, cause, why); }
void Supervisor::kill(TrialId t, int attempt, Cause cause, const std::string& why) { impl_->kill_now(t, attempt, cause, why); }
void Supervisor::extend(TrialId t, std::int64_t until_step, const std::string& why) { impl_->extend(t, until_step, why); }
void Supervisor::update(TrialId t, int attempt, const Params& params, const std::optional<std::string>& checkpoint) {
  impl_->update(t, attempt, params, checkpoint);
}
void Supervisor::acknowledge(TrialId t, int attempt, std::int64_t seq) { impl_->acknowledge(t, attempt, seq); }
void Supervisor::in_background(std::function<std::function<void()>()> slow) { impl_->in_background(std::move(slow)); }
void Supervisor::observe(Observation o) { impl_->observe(std::move(o)); }
std::vector<Observation> Supervisor::wait(std::optional<Time> until) { return impl_->wait(until); }
void Supervisor::interrupt() { impl_->interrupt(); }
const std::string& Supervisor::socket_path() const { return impl_->socket_path(); }

}  // namespace tune
