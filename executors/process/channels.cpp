// SPDX-License-Identifier: Apache-2.0
// What attempts say (reports, logs, checkpoints) and what they are told.
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

namespace {
constexpr std::size_t kMostUnsent = 1 << 20;
}  // namespace

void Supervisor::Impl::listen(const AttemptPtr& a, const StreamPtr& s) {
  s->fd.async_wait(Ready::wait_read, [this, a, s](boost::system::error_code error) {
    if (!error) read(a, s);
  });
}

void Supervisor::Impl::read(const AttemptPtr& a, const StreamPtr& s) {
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
void Supervisor::Impl::stall(const AttemptPtr& a, const StreamPtr& s) {
  if (std::exchange(s->stalled, true)) return;
  if (stalled_.empty()) stalled_since_ = Clock::now();
  stalled_.emplace_back(a, s);
}

void Supervisor::Impl::resume() {
  if (stalled_.empty()) return;
  stood_still_ += Clock::now() - stalled_since_;
  for (const auto& [a, s] : std::exchange(stalled_, {})) {
    s->stalled = false;
    read(a, s);
  }
}

Clock::time_point Supervisor::Impl::watch_now() const {
  const auto now = Clock::now();
  return now - stood_still_ - (stalled_.empty() ? Clock::duration{} : now - stalled_since_);
}

void Supervisor::Impl::take(const AttemptPtr& a, const StreamPtr& s, std::string_view bytes) {
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

void Supervisor::Impl::printed(const AttemptPtr& a, std::string_view line, bool reports) {
  if (reports && line.starts_with(kPrefix)) return report(a, nullptr, line.substr(kPrefix.size()));
  if (!patterns_.empty()) patterns_.read(line, a->found, [&](ReportLine& found) { record(a, nullptr, found); });
}

void Supervisor::Impl::report(const AttemptPtr& a, const StreamPtr& s, std::string_view text) {
  if (!text.empty() && text.back() == '\r') text.remove_suffix(1);
  if (text.empty()) return;
  if (!a->reader.read(text, line_)) return bad_line(*a, a->reader.error(), 1);
  if (s) s->spoke = true;
  if (!line_.event.empty()) announce(*a, line_);
  if (line_.is_report()) record(a, s, line_);
  if (!line_.checkpoint.empty()) save(a, line_.checkpoint, line_.step.value_or(a->step));
}

void Supervisor::Impl::announce(Attempt& a, const ReportLine& line) {
  if (line.event == "heartbeat") return;
  if (line.event != "ready" && line.event != "saving" && line.event != "warn" && line.event != "artifact")
    return bad_line(a, "there is no event `" + printable(line.event) + "`", 1);
  if (std::find(line.caps.begin(), line.caps.end(), "checkpoint") != line.caps.end()) a.order.can_save = true;
  observe(Announced{a.order.trial, a.order.attempt, line.event, line.caps, line.message});
}

void Supervisor::Impl::record(const AttemptPtr& a, const StreamPtr& s, ReportLine& line) {
  const bool measured = line.metrics.size() > 0;
  const auto step = a->order.only_step.value_or(line.step.value_or(a->step + (measured ? 1 : 0)));
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

bool Supervisor::Impl::carries_objectives(const Metrics& metrics) {
  if (metrics.size() == 0) return false;
  if (metrics.names != judged_names_) {
    judged_names_ = metrics.names;
    judged_ = std::all_of(settings_.objectives.begin(), settings_.objectives.end(),
                          [&](const auto& name) { return metrics.find(name).has_value(); });
  }
  return judged_;
}

void Supervisor::Impl::bad_line(Attempt& a, const std::string& why, std::int64_t count) {
  a.bad_lines += count;
  if (a.bad_lines == count) observe(Warned{"report-line", subject(a), why});
}

void Supervisor::Impl::log_failed(Attempt& a, int error) {
  if (std::exchange(a.log_warned, true)) return;
  observe(Warned{"log", subject(a), "its output is not kept: " + a.order.folder + ": " + std::strerror(error)});
}

// A connection to the Unix socket that named an attempt's token.
void Supervisor::Impl::enter(Descriptor fd, const std::string& token, const std::string& rest) {
  for (const auto& [id, a] : live_) {
    if (a->order.socket_token != token || a->exited) continue;
    const auto s = add(a, Stream::Kind::line, fd, static_cast<std::size_t>(settings_.report.max_line_bytes), "");
    const AttemptPtr kept = a;
    if (!rest.empty()) take(kept, s, rest);
    return;
  }
}

void Supervisor::Impl::save(const AttemptPtr& a, const std::string& name, std::int64_t step) {
  ++a->saving;
  const auto began = Clock::now();
  in_background([this, a, name, step, began]() -> std::function<void()> {
    const auto origin = Checkpoints::origin(settings_.experiment, a->order.trial, a->order.attempt, step);
    auto saved = checkpoints_.commit(a->order.checkpoint_folder, name, origin);
    return [this, a, step, began, saved = std::move(saved)] {
      --a->saving;
      const double spent = std::chrono::duration<double>(Clock::now() - began).count();
      if (saved)
        observe(Checkpointed{a->order.trial, a->order.attempt, step, saved->hash, saved->bytes, spent, checkpoints_.root().string()});
      else
        not_saved(a, saved.error());
      finish_if_over(a);
    };
  });
}

void Supervisor::Impl::not_saved(const AttemptPtr& a, const Error& error) {
  observe(Warned{"checkpoint", subject(*a), error.message});
  if (error.code != Error::Code::io) return;  // The program's mistake: it goes on without that checkpoint.
  if (a->exited)
    a->ending = a->ending.value_or(Cause::disk);
  else if (!a->ending)
    end(a, Cause::disk, error.message);
}

void Supervisor::Impl::want_checkpoint(const AttemptPtr& a) {
  if (!settings_.checkpoint_every || a->ending || !a->order.can_save) return;
  const auto due = a->step / *settings_.checkpoint_every;
  if (due <= a->asked_checkpoint) return;
  a->asked_checkpoint = due;
  tell(a, command("checkpoint", "checkpoint.every", *a));
}

std::string Supervisor::Impl::command(std::string_view name, const std::string& why, const Attempt& a) const {
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
std::string Supervisor::Impl::ending_command(const Attempt& a) const {
  return command(*a.ending == Cause::paused && a.order.can_save ? "pause" : "stop", a.why, a);
}

// Answers every sync report that is durable, unless what it waits for is a decision that has not been made. What was killed
// may live for a moment yet, and is told nothing: where its attempt was given away its reports are as good as durable and count for nothing.
void Supervisor::Impl::answer_durable(const AttemptPtr& a) {
  if (a->killed) return;
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
void Supervisor::Impl::tell(const AttemptPtr& a, std::string line) {
  if (a->syncs) {
    a->owed = std::move(line);
    return answer_durable(a);
  }
  for (const auto& s : a->streams)
    if (s->kind == Stream::Kind::line && s->spoke) send(a, s, line);
}

void Supervisor::Impl::send(const AttemptPtr& a, const StreamPtr& s, std::string_view line) {
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

void Supervisor::Impl::flush(const AttemptPtr& a, const StreamPtr& s) {
  s->fd.async_wait(Ready::wait_write, [this, a, s](boost::system::error_code error) {
    s->sending = false;
    if (error) return;
    const std::string rest = std::exchange(s->unsent, {});
    send(a, s, rest);
  });
}

}  // namespace tune
