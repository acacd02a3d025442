// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <thread>

#include "ui/cli/board.hpp"
#include "ui/cli/subject.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

/// To a terminal line by line with everything made visible that could steer it; anywhere else byte for byte.
class LogPrinter {
 public:
  explicit LogPrinter(const Invocation& call) : call_(call), terminal_(isatty(STDOUT_FILENO)) {}
  void print(std::string_view bytes) {
    if (!terminal_) return call_.print(bytes);
    rest_ += bytes;
    for (auto end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n')) {
      call_.print(printable(std::string_view(rest_).substr(0, end)) + "\n");
      rest_.erase(0, end + 1);
    }
  }
  void finish() {
    if (!rest_.empty()) call_.print(printable(rest_) + "\n");
    rest_.clear();
  }

 private:
  const Invocation& call_;
  const bool terminal_;
  std::string rest_;
};

bool is_over(const Subject& subject) {
  const auto detail = subject.reader->trial(subject.experiment.id, *subject.trial);
  return !detail || is_final(detail->row.state);
}

int follow(Invocation& call, const Subject& subject, const std::string& file) {
  LogPrinter out(call);
  std::streamoff at = 0;
  for (;;) {
    const bool over = is_over(subject);  // Looked at before the file: what was written until then is read below.
    std::ifstream in(file, std::ios::binary);
    in.seekg(at);
    std::string more{std::istreambuf_iterator<char>(in), {}};
    at += static_cast<std::streamoff>(more.size());
    out.print(more);
    std::fflush(stdout);
    if (over) return out.finish(), kOk;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

std::string how_it_ended(const Subject& subject, TrialId id, Cause cause) {
  const auto attempts = subject.reader->attempts(subject.experiment.id, id);
  if (!attempts || attempts->empty()) return std::string(cause_text(cause));
  const auto& last = attempts->back();
  if (!last.cause || !is_failure(*last.cause)) return std::string(cause_text(cause));
  Exited exited;
  exited.cause = last.cause.value_or(cause), exited.exit_code = last.exit_code, exited.signal = last.signal,
  exited.text = last.text;
  return ending_text(exited);
}

int failures(Invocation& call, const Subject& subject) {
  const auto rows = subject.reader->rows(subject.experiment.id);
  if (!rows) return call.fail(rows.error());
  std::map<std::string, std::vector<const TrialRow*>> by_ending;
  for (const auto& row : *rows)
    if (row.state == TrialState::failed) by_ending[how_it_ended(subject, row.id, row.cause)].push_back(&row);
  if (by_ending.empty()) call.tell("no trial of `" + subject.name() + "` has failed");
  for (const auto& [ending, trials] : by_ending) {
    std::string line = paint(Style::red, ending, call.colour()) + "  " + std::to_string(trials.size()) +
                       (trials.size() == 1 ? " trial:" : " trials:");
    for (std::size_t i = 0; i < trials.size() && i < 10; ++i) line += " " + std::to_string(trials[i]->id.value);
    if (trials.size() > 10) line += " …";
    call.print(line + "\n");
    const auto* newest = trials.back();
    for (const auto& text : last_log_lines(attempt_folder(subject.folder(call), newest->id, newest->attempt), 10))
      call.print("  │ " + printable(text) + "\n");
  }
  return kOk;
}

}  // namespace

int logs_verb(Invocation& call) {
  if (call.has("failed")) {
    const auto subject = find_experiment(call);
    return subject ? failures(call, *subject) : call.fail(subject.error());
  }
  if (call.words().size() != 1)
    return call.fail(usage_error("which trial?", "tune logs NUMBER, or tune logs --failed"));
  const auto subject = find_trial(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  const auto detail = subject->reader->trial(subject->experiment.id, *subject->trial);
  if (!detail) return call.fail(detail.error());
  const auto attempt = call.whole("attempt", 1);
  const auto tail = call.whole("tail", 1);
  if (!attempt || !tail) return call.fail((attempt ? tail : attempt).error());
  const auto number = attempt->value_or(std::max(1, detail->row.attempt));
  const std::string file = attempt_folder(subject->folder(call), *subject->trial, static_cast<int>(number)) +
                           (call.has("stderr") ? "/stderr.log" : "/stdout.log");
  if (call.has("follow")) return follow(call, *subject, file);

  LogPrinter out(call);
  if (*tail) {
    for (const auto& line : last_lines(file, static_cast<std::size_t>(**tail))) out.print(line + "\n");
  } else {
    std::ifstream in(file, std::ios::binary);
    if (!in) {
      call.tell(subject->name() + " wrote nothing to " + (call.has("stderr") ? "standard error" : "standard output") +
                " in attempt " + std::to_string(number));
      return kOk;
    }
    char buffer[65536];
    while (in.read(buffer, sizeof buffer) || in.gcount() > 0)
      out.print({buffer, static_cast<std::size_t>(in.gcount())});
  }
  return out.finish(), kOk;
}

}  // namespace tune
