// SPDX-License-Identifier: Apache-2.0
#include "executors/process/supervisor.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cerrno>
#include <cstring>
#include <set>
#include <unordered_map>

#include "executors/process/attempt.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/door.hpp"
#include "executors/process/ending.hpp"
#include "executors/process/launcher.hpp"
#include "executors/process/patterns.hpp"
#include "tuner/json.hpp"

namespace tune {

using namespace detail;
using Channel = ReportSpec::Channel;
using Ready = asio::posix::descriptor_base;
using AttemptPtr = std::shared_ptr<Attempt>;  // Shared with handlers in flight: one may come after the attempt is over.
using StreamPtr = std::shared_ptr<Stream>;

namespace {

constexpr std::string_view kPrefix = "::tune ";
constexpr auto kDrain = std::chrono::seconds{1};
constexpr auto kSweepPause = std::chrono::milliseconds{1};
constexpr std::size_t kLongestRegexLine = 4096, kMostUnsent = 1 << 20;
constexpr std::int64_t kLargestResult = 1 << 20;

double seconds_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

Clock::duration ticks(double seconds) {
  return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(std::min(seconds, 1e9)));
}

double seconds(const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; }

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

class Supervisor::Impl {
 public:
  explicit Impl(Settings settings)
      : settings_(std::move(settings)), checkpoints_(settings_.checkpoints), wall_(seconds_of(CLOCK_REALTIME)),
        boot_(seconds_of(CLOCK_BOOTTIME)) {
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

  ~Impl() {
    while (!live_.empty()) {
      for (const auto& [id, a] : live_)
        if (!a->exited) kill(a);
      seen_.clear();
      wait(now() + Duration{0.1});
    }
    background_->join();
  }

  Time now() const { return {wall_ + (seconds_of(CLOCK_BOOTTIME) - boot_)}; }
  void observe(Observation o) { seen_.push_back(std::move(o)); }
  std::size_t live() const { return live_.size(); }
  bool is_live(TrialId t) const { return live_.contains(t.value); }
  const std::string& socket_path() const {
    static const std::string none;
    return door_ ? door_->path() : none;
  }

  // --- starting -------------------------------------------------------------------------------------------------------

  void start(Order order) {
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

  // --- telling it what was decided ------------------------------------------------------------------------------------

  void ask(TrialId trial, int attempt, Cause cause, const std::string& why) {
    const auto a = find(trial, attempt);
    if (!a || a->ending) return;
    end(a, cause, why);
  }

  void kill_now(TrialId trial, int attempt, Cause cause, const std::string& why) {
    const auto a = find(trial, attempt);
    if (!a) return;
    if (!a->ending) a->ending = cause, a->why = why;
    if (!a->exited) kill(a);
  }

  void extend(TrialId trial, std::int64_t until_step, const std::string& why) {
    const auto it = live_.find(trial.value);
    if (it == live_.end()) return;
    const AttemptPtr a = it->second;
    // A grant only grows: in logical order the launch allowed every step, and the bound is the virtual slot's alone.
    a->order.until_step = std::max(a->order.until_step, until_step);
    a->why = why;
    answer_durable(a);
  }

  void update(TrialId trial, int attempt, const Params& params, const std::optional<std::string>& checkpoint) {
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

  void acknowledge(TrialId trial, int attempt, std::int64_t seq) {
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

  // --- the loop -------------------------------------------------------------------------------------------------------

  void in_background(std::function<std::function<void()>()> slow) {
    asio::post(*background_, [this, slow = std::move(slow)] { asio::post(io_, slow()); });
  }

  std::vector<Observation> wait(std::optional<Time> until) {
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

  void interrupt() {
    interrupted_.store(true, std::memory_order_release);
    asio::post(io_, [] {});
  }

 private:
  // Both ends of the pipes and the socket of one attempt. (Asio makes ours non-blocking when it first waits for them.)
  struct Ends {
    Descriptor out[2], err[2], line[2];
    bool open() {
      int fd[2];
      const auto take = [&](Descriptor (&to)[2]) { return to[0].reset(fd[0]), to[1].reset(fd[1]), true; };
      return ::pipe2(fd, O_CLOEXEC) == 0 && take(out) && ::pipe2(fd, O_CLOEXEC) == 0 && take(err) &&
             ::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0 && take(line);
    }
  };

  Launched launch(const Order& order, const Ends& ends, int cgroup) {
    std::vector<const char*> argv, env;
    argv.reserve(order.argv.size() + 1), env.reserve(order.env.size() + 1);
    const char* path = nullptr;
    for (const auto& word : order.argv) argv.push_back(word.c_str());
    for (const auto& entry : order.env) {
      env.push_back(entry.c_str());
      if (entry.starts_with("PATH=")) path = entry.c_str() + 5;
    }
    argv.push_back(nullptr), env.push_back(nullptr);
    const std::string program = find_program(order.argv.front(), path, order.cwd);
    return launcher_.start({program.c_str(), argv.data(), env.data(), order.cwd.empty() ? nullptr : order.cwd.c_str(),
                            ends.out[1].get(), ends.err[1].get(), ends.line[1].get(), cgroup});
  }

  void adopt(const AttemptPtr& a, Launched launched, Ends& ends) {
    a->pid = launched.pid;
    a->pidfd.assign(launched.pidfd.release());
    a->started_at = Clock::now();
    a->began = a->heard = watch_now();
    live_.emplace(a->order.trial.value, a);
    mains_.insert(a->pid);
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

  StreamPtr add(const AttemptPtr& a, Stream::Kind kind, Descriptor& fd, std::size_t max_line, std::string_view counted) {
    auto s = std::make_shared<Stream>(io_, kind, max_line, counted);
    s->fd.assign(fd.release());
    a->streams.push_back(s);
    listen(a, s);
    return s;
  }

  void refuse(const Attempt& a, int error) {
    exited(a, Cause::refused, std::string{"could not be started: "} + std::strerror(error));
  }

  void could_not_start(const Attempt& a, const Launched& launched) {
    if (cgroups_) cgroups_->remove(cgroup_name(a));
    // Too many processes, too little memory: the machine's trouble, not the program's.
    const std::string step = launched.step;
    const bool crowded = launched.error == EAGAIN || launched.error == ENOMEM || launched.error == EMFILE || launched.error == ENFILE;
    const bool refused = crowded || step == "clone" || step == "cgroup";
    exited(a, refused ? Cause::refused : Cause::exec,
           start_error_text(step, launched.error, a.order.argv.front(), a.order.cwd));
  }

  void exited(const Attempt& a, Cause cause, const std::string& text) {
    Exited e{a.order.trial, a.order.attempt, cause, {}, {}, 0, a.usage, a.seq, text};
    if (a.exited && a.code == CLD_EXITED) e.exit_code = a.status;
    if (a.exited && a.code != CLD_EXITED) e.signal = a.status;
    observe(std::move(e));
  }

  AttemptPtr find(TrialId trial, int attempt) const {
    const auto it = live_.find(trial.value);
    return it == live_.end() || it->second->order.attempt != attempt ? nullptr : it->second;
  }
  static std::string cgroup_name(const Attempt& a) {
    return std::to_string(a.order.trial.value) + "-" + std::to_string(a.order.attempt);
  }
  static std::string subject(const Attempt& a) { return "trial " + std::to_string(a.order.trial.value); }

  // --- reading --------------------------------------------------------------------------------------------------------

  bool full() const { return seen_.size() >= settings_.most_waiting; }

  void listen(const AttemptPtr& a, const StreamPtr& s) {
    s->fd.async_wait(Ready::wait_read, [this, a, s](boost::system::error_code error) {
      if (!error) read(a, s);
    });
  }

  void read(const AttemptPtr& a, const StreamPtr& s) {
    if (!s->fd.is_open()) return;
    if (full()) return stall(a, s);
    const ssize_t n = ::read(s->fd.native_handle(), buffer_.data(), buffer_.size());
    if (n > 0) {
      take(a, s, {buffer_.data(), static_cast<std::size_t>(n)});
      listen(a, s);
    } else if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
      listen(a, s);
    } else {
      close(a, s);
      finish_if_over(a);
    }
  }

  // The caller is slower than the trials: let the kernel's buffers fill, so that they wait. Nothing is dropped.
  void stall(const AttemptPtr& a, const StreamPtr& s) {
    if (std::exchange(s->stalled, true)) return;
    if (stalled_.empty()) stalled_since_ = Clock::now();
    stalled_.emplace_back(a, s);
  }
  void resume() {
    if (stalled_.empty()) return;
    stood_still_ += Clock::now() - stalled_since_;
    for (const auto& [a, s] : std::exchange(stalled_, {})) {
      s->stalled = false;
      read(a, s);
    }
  }
  Clock::time_point watch_now() const {
    const auto now = Clock::now();
    return now - stood_still_ - (stalled_.empty() ? Clock::duration{} : now - stalled_since_);
  }

  void take(const AttemptPtr& a, const StreamPtr& s, std::string_view bytes) {
    if (settings_.trial_idle) a->heard = watch_now();
    if (s->kind == Stream::Kind::line) {
      s->cutter.feed(bytes, [&](std::string_view line) { report(a, s, line); });
    } else {
      const bool out = s->kind == Stream::Kind::out;
      LogFile& log = out ? a->out_log : a->err_log;
      if (!log.write(bytes)) log_failed(*a, log.error());
      const bool reports = out && (settings_.report.channel == Channel::automatic || settings_.report.channel == Channel::out);
      if (reports || !patterns_.empty()) s->cutter.feed(bytes, [&](std::string_view line) { printed(a, line, reports); });
    }
    if (const auto dropped = s->cutter.take_dropped())
      bad_line(*a, "a line is longer than report.max_line (" + std::to_string(settings_.report.max_line_bytes) + " bytes)", dropped);
  }

  void printed(const AttemptPtr& a, std::string_view line, bool reports) {
    if (reports && line.starts_with(kPrefix)) return report(a, nullptr, line.substr(kPrefix.size()));
    if (!patterns_.empty()) patterns_.read(line, a->found, [&](ReportLine& found) { record(a, nullptr, found); });
  }

  void report(const AttemptPtr& a, const StreamPtr& s, std::string_view text) {
    if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
    if (text.empty()) return;
    if (!a->reader.read(text, line_)) return bad_line(*a, a->reader.error(), 1);
    if (s) s->spoke = true;
    if (!line_.event.empty()) announce(*a, line_);
    if (line_.is_report()) record(a, s, line_);
    if (!line_.checkpoint.empty()) save(a, line_.checkpoint, line_.step.value_or(a->step));
  }

  void announce(Attempt& a, const ReportLine& line) {
    if (line.event == "heartbeat") return;
    if (line.event != "ready" && line.event != "saving" && line.event != "warn" && line.event != "artifact")
      return bad_line(a, "there is no event `" + printable(line.event) + "`", 1);
    if (std::find(line.caps.begin(), line.caps.end(), "checkpoint") != line.caps.end()) a.order.can_save = true;
    observe(Announced{a.order.trial, a.order.attempt, line.event, line.caps, line.message});
  }

  void record(const AttemptPtr& a, const StreamPtr& s, ReportLine& line) {
    const bool measured = line.metrics.size() > 0;
    const auto step = line.step.value_or(a->step + (measured ? 1 : 0));
    if (line.sync && s) a->syncs = true;
    if (line.seq && *line.seq <= a->seq) {
      // Sent again because our answer was lost: it is recorded already.
      if (line.sync && s) a->waiting.push_back({*line.seq, step, false, *line.seq <= a->durable_seq, s});
      return answer_durable(a);
    }
    a->seq = line.seq.value_or(a->seq + 1);
    if (step < a->step && !std::exchange(a->stepped_back, true))
      observe(Warned{"step-back", subject(*a), "reported step " + std::to_string(step) + " after step " + std::to_string(a->step)});
    a->step = std::max(a->step, step);
    a->final_seen |= line.final;
    if (line.sync && s) a->waiting.push_back({a->seq, step, carries_objectives(line.metrics), false, s});
    observe(Reported{a->order.trial, a->order.attempt, a->seq, step, std::move(line.metrics), std::move(line.constraints),
                     line.cost, line.final});
    want_checkpoint(a);
  }

  bool carries_objectives(const Metrics& metrics) {
    if (metrics.size() == 0) return false;
    if (metrics.names != judged_names_) {
      judged_names_ = metrics.names;
      judged_ = std::all_of(settings_.objectives.begin(), settings_.objectives.end(),
                            [&](const auto& name) { return metrics.find(name).has_value(); });
    }
    return judged_;
  }

  void bad_line(Attempt& a, const std::string& why, std::int64_t count) {
    a.bad_lines += count;
    if (a.bad_lines == count) observe(Warned{"report-line", subject(a), why});
  }
  void log_failed(Attempt& a, int error) {
    if (std::exchange(a.log_warned, true)) return;
    observe(Warned{"log", subject(a), "its output is not kept: " + a.order.folder + ": " + std::strerror(error)});
  }

  // A connection to the Unix socket that named an attempt's token.
  void enter(Descriptor fd, const std::string& token, const std::string& rest) {
    for (const auto& [id, a] : live_) {
      if (a->order.socket_token != token || a->exited) continue;
      const auto s = add(a, Stream::Kind::line, fd, static_cast<std::size_t>(settings_.report.max_line_bytes), "");
      const AttemptPtr kept = a;
      if (!rest.empty()) take(kept, s, rest);
      return;
    }
  }

  // --- checkpoints ----------------------------------------------------------------------------------------------------

  void save(const AttemptPtr& a, const std::string& name, std::int64_t step) {
    ++a->saving;
    const auto began = Clock::now();
    in_background([this, a, name, step, began]() -> std::function<void()> {
      auto saved = checkpoints_.commit(a->order.checkpoint_folder, name);
      return [this, a, step, began, saved = std::move(saved)] {
        --a->saving;
        const double spent = std::chrono::duration<double>(Clock::now() - began).count();
        if (saved)
          observe(Checkpointed{a->order.trial, a->order.attempt, step, saved->hash, saved->bytes, spent, settings_.checkpoints});
        else
          not_saved(a, saved.error());
        finish_if_over(a);
      };
    });
  }

  void not_saved(const AttemptPtr& a, const Error& error) {
    observe(Warned{"checkpoint", subject(*a), error.message});
    if (error.code != Error::Code::io) return;  // The program's mistake: it goes on without that checkpoint.
    if (a->exited)
      a->ending = a->ending.value_or(Cause::disk);
    else if (!a->ending)
      end(a, Cause::disk, error.message);
  }

  void want_checkpoint(const AttemptPtr& a) {
    if (!settings_.checkpoint_every || a->ending || !a->order.can_save) return;
    const auto due = a->step / *settings_.checkpoint_every;
    if (due <= a->asked_checkpoint) return;
    a->asked_checkpoint = due;
    tell(a, command("checkpoint", "checkpoint.every", *a));
  }

  // --- talking --------------------------------------------------------------------------------------------------------

  std::string command(std::string_view name, const std::string& why, const Attempt& a) const {
    std::string line;
    JsonWriter json(line);
    json.begin_object().key("cmd").value(name);
    if (!why.empty()) json.key("reason").value(why);
    if (a.order.until_step != kNoStep) json.key("until_step").value(a.order.until_step);
    if (a.kill_at) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(*a.kill_at - Clock::now()).count();
      json.key("deadline_ms").value(static_cast<std::int64_t>(std::max<std::int64_t>(left, 0)));
      if (a.order.can_save && *a.ending == Cause::shutdown) json.key("checkpoint").value(true);
    }
    json.end_object();
    return line += '\n';
  }

  // A program is told to pause only if that would make a difference to it: others know "stop".
  std::string ending_command(const Attempt& a) const {
    return command(*a.ending == Cause::paused && a.order.can_save ? "pause" : "stop", a.why, a);
  }

  // Answers every sync report that is durable, unless what it waits for is a decision that has not been made.
  void answer_durable(const AttemptPtr& a) {
    for (auto it = a->waiting.begin(); it != a->waiting.end();) {
      const bool held = it->decisive && it->step >= a->order.until_step && !a->ending;
      if (!it->durable || held) {
        ++it;
        continue;
      }
      const auto stream = it->stream.lock();
      const auto seq = it->seq;
      it = a->waiting.erase(it);
      if (!stream) continue;
      std::string line = a->ending          ? ending_command(*a)
                         : !a->owed.empty() ? std::exchange(a->owed, {})
                                            : command("continue", "", *a);
      // An answer names its report. A stop that came unasked while the report was on its way does not, so that nobody
      // takes it for the word that the report is safe.
      send(a, stream, line.insert(line.rfind('}'), ",\"seq\":" + std::to_string(seq)));
      if (settings_.trial_idle) a->heard = watch_now();  // While it waited for us its silence did not count.
    }
  }

  // A command that nobody waits for. A program that reads one line after each report gets it as its next answer.
  void tell(const AttemptPtr& a, std::string line) {
    if (a->syncs) {
      a->owed = std::move(line);
      return answer_durable(a);
    }
    for (const auto& s : a->streams)
      if (s->kind == Stream::Kind::line && s->spoke) send(a, s, line);
  }

  void send(const AttemptPtr& a, const StreamPtr& s, std::string_view line) {
    if (!s->fd.is_open()) return;
    if (s->unsent.empty()) {
      const ssize_t n = ::send(s->fd.native_handle(), line.data(), line.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      if (n == static_cast<ssize_t>(line.size())) return;
      if (n < 0 && errno != EAGAIN) return;  // It hung up; its end of file is on the way.
      line.remove_prefix(n > 0 ? static_cast<std::size_t>(n) : 0);
    }
    if (s->unsent.size() + line.size() > kMostUnsent) return;  // It asks for answers and never reads one.
    s->unsent += line;
    if (!std::exchange(s->sending, true)) flush(a, s);
  }
  void flush(const AttemptPtr& a, const StreamPtr& s) {
    s->fd.async_wait(Ready::wait_write, [this, a, s](boost::system::error_code error) {
      s->sending = false;
      if (error) return;
      const std::string rest = std::exchange(s->unsent, {});
      send(a, s, rest);
    });
  }

  // --- ending ---------------------------------------------------------------------------------------------------------

  void end(const AttemptPtr& a, Cause cause, const std::string& why) {
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

  // To the whole group: a shell in between must not keep it from the program.
  void signal(const AttemptPtr& a, int number) {
    if (a->exited) return;
    ::kill(-a->pid, number);
    ::syscall(SYS_pidfd_send_signal, a->pidfd.native_handle(), number, nullptr, 0);  // If it moved to another group.
  }
  void kill(const AttemptPtr& a) {
    a->killed = true;
    if (a->cgroup) cgroups_->kill(cgroup_name(*a));
    signal(a, SIGKILL);
  }

  // One timer an attempt, for whatever is due next; none for an attempt that nothing limits.
  void arm(const AttemptPtr& a) {
    auto next = Clock::time_point::max();
    if (a->drained_at) next = std::min(next, *a->drained_at);
    if (!a->exited) {
      if (a->kill_at && !a->killed) next = std::min(next, *a->kill_at);
      if (!a->ending) {
        const auto lag = Clock::now() - watch_now();
        if (settings_.trial_time) next = std::min(next, a->began + ticks(settings_.trial_time->seconds) + lag);
        if (settings_.trial_idle) next = std::min(next, a->heard + ticks(settings_.trial_idle->seconds) + lag);
      }
    }
    if (next == Clock::time_point::max()) return;
    a->timer.expires_at(std::max(next, Clock::now() + std::chrono::microseconds{100}));
    a->timer.async_wait([this, a](boost::system::error_code error) {
      if (!error) on_time(a);
    });
  }

  void on_time(const AttemptPtr& a) {
    const auto now = Clock::now();
    if (a->exited) return give_up_draining(a);
    if (a->kill_at && now >= *a->kill_at && !a->killed) kill(a);
    if (!a->ending) watch(a);
    arm(a);
  }

  // Somebody else holds its pipes open. What it wrote itself is in them: read that, then let go.
  void give_up_draining(const AttemptPtr& a) {
    const auto streams = a->streams;
    for (const auto& s : streams) drain(a, s);
    if (full() || !stalled_.empty()) {
      a->drained_at = Clock::now() + kDrain;
      return arm(a);
    }
    while (!a->streams.empty()) close(a, a->streams.front());
    finish_if_over(a);
  }

  void watch(const AttemptPtr& a) {
    if (settings_.trial_time && watch_now() - a->began >= ticks(settings_.trial_time->seconds))
      return end(a, Cause::timeout, "stop.trial_time (" + to_text(settings_.trial_time->seconds) + " s) is over");
    if (!settings_.trial_idle) return;
    const auto streams = a->streams;  // What it said before now counts, also if we had no time to read it.
    for (const auto& s : streams)
      if (!s->stalled && s->fd.is_open()) look(a, s);
    if (!a->waiting.empty()) a->heard = watch_now();  // It waits for us.
    if (!a->ending && watch_now() - a->heard >= ticks(settings_.trial_idle->seconds))
      end(a, Cause::silence, "it was silent for stop.trial_idle (" + to_text(settings_.trial_idle->seconds) + " s)");
  }
  void look(const AttemptPtr& a, const StreamPtr& s) {
    if (full()) return;
    const ssize_t n = ::read(s->fd.native_handle(), buffer_.data(), buffer_.size());
    if (n > 0) take(a, s, {buffer_.data(), static_cast<std::size_t>(n)});
  }

  void on_exit(const AttemptPtr& a) {
    siginfo_t info{};
    rusage used{};
    ::syscall(SYS_waitid, P_PIDFD, a->pidfd.native_handle(), &info, WEXITED, &used);
    a->exited = true;
    a->code = info.si_code;
    a->status = info.si_status;
    a->usage = {std::chrono::duration<double>(Clock::now() - a->started_at).count(),
                seconds(used.ru_utime) + seconds(used.ru_stime), static_cast<std::int64_t>(used.ru_maxrss) * 1024};
    a->oom = a->cgroup && a->code != CLD_EXITED && cgroups_->ran_out_of_memory(cgroup_name(*a));
    a->pidfd.close();
    mains_.erase(a->pid);
    a->drained_at = Clock::now() + kDrain;
    clean_up(a);
    const auto streams = a->streams;
    for (const auto& s : streams) drain(a, s);
    if (live_.contains(a->order.trial.value)) finish_if_over(a);
    if (live_.contains(a->order.trial.value)) arm(a);
  }

  // Ends what it left behind; again in a moment until nothing is found.
  void clean_up(const AttemptPtr& a) {
    if (a->cgroup) {
      a->clean = cgroups_->remove(cgroup_name(*a));
      if (!a->clean) cgroups_->kill(cgroup_name(*a));
      sweep(a->pid, a->order.token, mains_, false);  // Reaps what it orphaned.
    } else {
      a->clean = sweep(a->pid, a->order.token, mains_, live_.size() == 1) == 0;
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
  void drain(const AttemptPtr& a, const StreamPtr& s) {
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

  void close(const AttemptPtr& a, const StreamPtr& s) {
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

  void finish_if_over(const AttemptPtr& a) {
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

  void read_result(const AttemptPtr& a) {
    if (a->order.result_file.empty() || a->code != CLD_EXITED || a->status != 0) return;
    const Descriptor fd{::open(a->order.result_file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
    struct stat file {};
    if (!fd || ::fstat(fd.get(), &file) != 0 || !S_ISREG(file.st_mode) || file.st_size > kLargestResult) return;
    // One that was there before belongs to another trial.
    const double written = static_cast<double>(file.st_mtim.tv_sec) + static_cast<double>(file.st_mtim.tv_nsec) * 1e-9;
    if (written < seconds_of(CLOCK_REALTIME) - a->usage.seconds - 2) return;
    std::string text(static_cast<std::size_t>(file.st_size), '\0');
    const ssize_t n = ::read(fd.get(), text.data(), text.size());
    text.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    report(a, nullptr, text);
  }

  Ending ending_of(const Attempt& a) {
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

  Settings settings_;
  Checkpoints checkpoints_;
  double wall_, boot_;
  asio::io_context io_{1};
  asio::executor_work_guard<asio::io_context::executor_type> forever_{io_.get_executor()};
  std::unique_ptr<asio::thread_pool> background_ = background_thread();
  Launcher launcher_;
  std::optional<Cgroups> cgroups_;
  std::unique_ptr<Door> door_;
  std::unordered_map<std::int64_t, AttemptPtr> live_;
  std::set<pid_t> mains_;
  std::vector<Observation> seen_;
  std::vector<std::pair<AttemptPtr, StreamPtr>> stalled_;
  Clock::time_point stalled_since_;
  Clock::duration stood_still_{};
  std::atomic<bool> interrupted_{false};
  std::optional<std::int64_t> known_oom_kills_;
  const Patterns patterns_{settings_.report.regex, settings_.report.step};
  std::shared_ptr<const std::vector<std::string>> judged_names_;  // Held, so that its address stays its own.
  bool judged_ = false;
  ReportLine line_;
  std::array<char, 65536> buffer_;
};

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
