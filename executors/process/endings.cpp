// SPDX-License-Identifier: Apache-2.0
// How attempts end: asked, out of time, by themselves; and that nothing of them is left.
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>

#include "executors/process/supervisor_impl.hpp"

namespace tune {

using namespace detail;

namespace {

constexpr auto kDrain = std::chrono::seconds{1};
constexpr auto kSweepPause = std::chrono::milliseconds{1};
constexpr std::int64_t kLargestResult = 1 << 20;

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

}  // namespace

void Supervisor::Impl::end(const AttemptPtr& a, Cause cause, const std::string& why) {
  a->ending = cause;
  a->why = why;
  if (a->exited) return;
  a->kill_at = Clock::now() + ticks(settings_.shutdown.grace.seconds);
  bool heard = false;
  for (const auto& s : a->streams) {
    if (s->kind != Stream::Kind::line || !s->spoke) continue;
    heard = true;
    // A sync report of this stream that is not durable yet gets "stop" for its answer when it is.
    const bool answer_comes = std::any_of(a->waiting.begin(), a->waiting.end(), [&](const Waiting& w) { return w.stream.lock() == s; });
    if (!answer_comes) send(a, s, ending_command(*a));
  }
  answer_durable(a);
  if (!heard) signal(a, settings_.shutdown.signal);
  arm(a);
}

// To the whole group: a shell in between must not keep it from the program. Once: to some programs a second one means "at once".
void Supervisor::Impl::signal(const AttemptPtr& a, int number) {
  if (a->exited) return;
  ::kill(-a->pid, number);
  if (::getpgid(a->pid) != a->pid) ::syscall(SYS_pidfd_send_signal, a->pidfd.native_handle(), number, nullptr, 0);
}

void Supervisor::Impl::kill(const AttemptPtr& a) {
  a->killed = true;
  if (a->cgroup) cgroups_->kill(cgroup_name(*a));
  signal(a, SIGKILL);
}

// One timer an attempt, for whatever is due next; none for an attempt that nothing limits.
void Supervisor::Impl::arm(const AttemptPtr& a) {
  auto next = Clock::time_point::max();
  if (a->drained_at) next = std::min(next, *a->drained_at);
  if (!a->exited) {
    if (a->kill_at && !a->killed) next = std::min(next, *a->kill_at);
    if (!a->ending) {
      const auto lag = Clock::now() - watch_now();
      if (settings_.trial_time) next = std::min(next, a->began + ticks(settings_.trial_time->seconds) + lag);
      if (settings_.trial_idle && !a->order.may_be_silent) next = std::min(next, a->heard + ticks(settings_.trial_idle->seconds) + lag);
    }
  }
  if (next == Clock::time_point::max()) return;
  a->timer.expires_at(std::max(next, Clock::now() + std::chrono::microseconds{100}));
  a->timer.async_wait([this, a](boost::system::error_code error) {
    if (!error) on_time(a);
  });
}

void Supervisor::Impl::on_time(const AttemptPtr& a) {
  const auto now = Clock::now();
  if (a->exited) return give_up_draining(a);
  if (a->kill_at && now >= *a->kill_at && !a->killed) kill(a);
  if (!a->ending) watch(a);
  arm(a);
}

// Somebody else holds its pipes open. What it wrote itself is in them: read that, then let go.
void Supervisor::Impl::give_up_draining(const AttemptPtr& a) {
  const auto streams = a->streams;
  for (const auto& s : streams) drain(a, s);
  if (full() || !stalled_.empty()) {
    a->drained_at = Clock::now() + kDrain;
    return arm(a);
  }
  while (!a->streams.empty()) close(a, a->streams.front());
  finish_if_over(a);
}

void Supervisor::Impl::watch(const AttemptPtr& a) {
  if (settings_.trial_time && watch_now() - a->began >= ticks(settings_.trial_time->seconds))
    return end(a, Cause::timeout, "stop.trial_time (" + to_text(settings_.trial_time->seconds) + " s) is over");
  if (!settings_.trial_idle || a->order.may_be_silent) return;
  const auto streams = a->streams;  // What it said before now counts, also if we had no time to read it.
  for (const auto& s : streams)
    if (!s->stalled && s->fd.is_open()) look(a, s);
  if (!a->waiting.empty()) a->heard = watch_now();  // It waits for us.
  if (!a->ending && watch_now() - a->heard >= ticks(settings_.trial_idle->seconds))
    end(a, Cause::silence, "it was silent for stop.trial_idle (" + to_text(settings_.trial_idle->seconds) + " s)");
}

void Supervisor::Impl::look(const AttemptPtr& a, const StreamPtr& s) {
  if (full()) return;
  const ssize_t n = ::read(s->fd.native_handle(), buffer_.data(), buffer_.size());
  if (n > 0) take(a, s, {buffer_.data(), static_cast<std::size_t>(n)});
}

void Supervisor::Impl::on_exit(const AttemptPtr& a) {
  siginfo_t info{};
  rusage used{};
  {
    MainPrograms mains;
    ::syscall(SYS_waitid, P_PIDFD, a->pidfd.native_handle(), &info, WEXITED, &used);
    mains.erase(a->pid);
  }
  a->exited = true;
  a->code = info.si_code;
  a->status = info.si_status;
  a->usage = {std::chrono::duration<double>(Clock::now() - a->started_at).count(),
              seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<std::int64_t>(used.ru_maxrss) * 1024};
  a->oom = a->cgroup && a->code != CLD_EXITED && cgroups_->ran_out_of_memory(cgroup_name(*a));
  a->pidfd.close();
  a->drained_at = Clock::now() + kDrain;
  clean_up(a);
  const auto streams = a->streams;
  for (const auto& s : streams) drain(a, s);
  if (live_.contains(a->order.trial.value)) finish_if_over(a);
  if (live_.contains(a->order.trial.value)) arm(a);
}

// Ends what it left behind; again in a moment until nothing is found.
void Supervisor::Impl::clean_up(const AttemptPtr& a) {
  if (a->cgroup) {
    a->clean = cgroups_->remove(cgroup_name(*a));
    if (!a->clean) cgroups_->kill(cgroup_name(*a));
    sweep(a->pid, a->order.token, MainPrograms());  // Reaps what it orphaned.
  } else {
    a->clean = sweep(a->pid, a->order.token, MainPrograms()) == 0;
  }
  if (a->clean) return;
  auto pause = std::make_shared<asio::steady_timer>(io_, kSweepPause);  // Shared with its handler.
  pause->async_wait([this, a, pause](boost::system::error_code error) {
    if (error) return;
    clean_up(a);
    finish_if_over(a);
  });
}

// All that it wrote is in the pipes by now.
void Supervisor::Impl::drain(const AttemptPtr& a, const StreamPtr& s) {
  while (s->fd.is_open() && !s->stalled) {
    if (full()) return;  // Its handler goes on when there is room.
    const ssize_t n = ::read(s->fd.native_handle(), buffer_.data(), buffer_.size());
    if (n > 0) {
      take(a, s, {buffer_.data(), static_cast<std::size_t>(n)});
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
      close(a, s);
    } else {
      return;
    }
  }
}

void Supervisor::Impl::close(const AttemptPtr& a, const StreamPtr& s) {
  if (!s->fd.is_open()) return;
  if (s->kind == Stream::Kind::line) {
    s->cutter.finish([&](std::string_view line) { report(a, nullptr, line); });
  } else if (s->kind == Stream::Kind::out || !patterns_.empty()) {
    s->cutter.finish([&](std::string_view line) { printed(a, line, s->kind == Stream::Kind::out); });
  }
  boost::system::error_code ignored;
  s->fd.close(ignored);
  a->streams.remove(s);
}

void Supervisor::Impl::finish_if_over(const AttemptPtr& a) {
  if (!a->exited || !a->clean || !a->streams.empty() || a->saving > 0) return;
  if (!live_.contains(a->order.trial.value) || live_.at(a->order.trial.value) != a) return;
  patterns_.flush(a->found, [&](ReportLine& found) { record(a, nullptr, found); });
  read_result(a);
  if (a->bad_lines > 1)
    observe(Warned{"report-line", subject(*a), std::to_string(a->bad_lines) + " lines were no reports"});
  const Ending end = ending_of(*a);
  std::string last = a->err_log.last_line();
  if (last.empty()) last = a->out_log.last_line();
  exited(*a, cause_of(end), text_of(end, a->why, last));
  a->timer.cancel();
  live_.erase(a->order.trial.value);
}

void Supervisor::Impl::read_result(const AttemptPtr& a) {
  if (a->order.result_file.empty() || a->code != CLD_EXITED || a->status != 0) return;
  const Descriptor fd{::open(a->order.result_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  struct stat file {};
  if (!fd || ::fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode) || file.st_size > kLargestResult) return;
  // One that was there before belongs to another trial.
  const double written = static_cast<double>(file.st_mtim.tv_sec) + static_cast<double>(file.st_mtim.tv_nsec) * 1e-9;
  if (written < std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count() - a->usage.seconds - 2) return;
  std::string text(static_cast<std::size_t>(file.st_size), '\0');
  const ssize_t n = ::read(fd.get(), text.data(), text.size());
  text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
  report(a, nullptr, text);
}

Ending Supervisor::Impl::ending_of(const Attempt& a) {
  Ending end;
  (a.code == CLD_EXITED ? end.exit_code : end.signal) = a.status;
  end.asked = a.ending;
  end.final_seen = a.final_seen;
  // A SIGKILL that we did not send is the kernel's, if it counted one since we looked last (or does not count).
  if (end.signal == SIGKILL && !a.killed) {
    const auto kills = oom_kills();
    end.out_of_memory = a.oom || !kills || !known_oom_kills_ || std::exchange(known_oom_kills_, kills) != kills;
  }
  return end;
}

}  // namespace tune
