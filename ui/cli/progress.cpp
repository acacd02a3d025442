// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/progress.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "tuner/json.hpp"
#include "tuner/transfer.hpp"
#include "ui/cli/events.hpp"
#include "ui/view/text.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

constexpr double kBetweenLines = 1, kBetweenSilentLines = 30;

}  // namespace

Progress::Progress(const Spec& spec, Settings settings) : settings_(settings), name_(spec.name), board_(spec) {
  Screen::Block block;
  if (settings_.form == Form::bar)
    block = [this](std::size_t columns) {
      const std::lock_guard lock(mutex_);
      return board_.lines(elapsed(), columns, 10, settings_.colour);
    };
  Screen::Tick tick;
  if (settings_.form == Form::plain) tick = [this] { plain_tick(); };
  const auto left_out = [json = settings_.form == Form::json](std::size_t n) {
    if (json) return event_line("skipped", 0, 0, "\"count\":" + std::to_string(n));
    return "… " + std::to_string(n) + " lines left out: they came faster than they could be written";
  };
  screen_ = std::make_unique<Screen>(settings_.fd, std::move(block), std::move(tick), left_out);
}

Progress::~Progress() = default;

double Progress::elapsed() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - began_).count();
}

std::string Progress::name_of(TrialId id) const { return "trial " + std::to_string(id.value); }

void Progress::begin(const History& history) {
  const std::lock_guard lock(mutex_);
  board_.begin(history);
  finished_ = board_.finished();
}

void Progress::on_durable(const Record& record, const History& history) {
  if (settings_.form == Form::none) return;
  const std::lock_guard lock(mutex_);
  const auto before = board_.best() ? std::optional{board_.best()->value} : std::nullopt;
  const auto news = board_.learn(record, history);
  if (news.finished) ++finished_, board_.finished_at(elapsed());
  if (settings_.command) tell_command(record, history);
  if (const auto* lesson = record.as<Imported>(); lesson && settings_.form != Form::json) screen_->say("   " + text_of(*lesson));
  switch (settings_.form) {
    case Form::bar:
      return tell_bar(record, news, history, before);
    case Form::plain:
      return tell_plain(record, news, history);
    case Form::json:
      return tell_json(record, news, history);
    case Form::none:
      return;
  }
}

void Progress::on_turn(const Turn& turn, const History& history) {
  if (settings_.form == Form::none) return;
  const std::lock_guard lock(mutex_);
  board_.turn(history, turn.trouble ? std::optional{turn.trouble->message} : std::nullopt);
}

void Progress::tell_bar(const Record& record, const Board::News& news, const History& history,
                        std::optional<double> before) {
  const bool colour = settings_.colour;
  if (news.best && board_.several()) {
    const auto& best = *board_.best();
    const auto& members = board_.front().members();
    const auto member = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.trial == best.trial; });
    screen_->say(paint(Style::cyan, " ★ ", colour) + pad(name_of(best.trial), 10) + " " +
                 values_text(member->values, board_.front().objectives(), colour) + "  " +
                 paint(Style::dim, params_text(best.params, 60), colour) +
                 (members.size() > 1 ? "  one of " + std::to_string(members.size()) : ""));
  } else if (news.best) {
    const auto& best = *board_.best();
    std::string line = paint(Style::cyan, " ★ ", colour) + pad(name_of(best.trial), 10) + " " +
                       paint(Style::bold, pad(number_text(best.value), 10, true), colour) + " " +
                       printable(board_.metric()) + "  " + paint(Style::dim, params_text(best.params, 60), colour);
    if (before && *before != 0 && std::isfinite(*before)) {
      const double change = 100 * (best.value - *before) / std::fabs(*before);
      line +=
          paint(Style::green,
                "  " + std::string(change > 0 ? "+" : "") + number_text(std::round(change * 10) / 10) + "%", colour);
    }
    screen_->say(std::move(line));
  }
  if (news.failed) tell_failure(record, history);
  if (const auto* warned = record.as<Warned>())
    screen_->say(paint(Style::yellow, " ! ", colour) + printable(warned->text) +
                 (warned->subject.empty() ? "" : paint(Style::dim, "  (" + printable(warned->subject) + ")", colour)));
}

// The first failures are told in full, because one of them usually tells everything; then one every five seconds.
void Progress::tell_failure(const Record& record, const History& history) {
  const double now = elapsed();
  if (failures_told_ >= 3 && now - last_failure_ < 5) {
    ++unsaid_failures_;
    return;
  }
  const auto* exited = record.as<Exited>();
  const auto* settle = record.as<Settle>();
  const TrialId trial = exited ? exited->trial : settle->trial;
  const int attempt = exited ? exited->attempt : history.trial(trial).attempt;
  const bool colour = settings_.colour;
  std::string head = paint(Style::red, " ✗ ", colour) + pad(name_of(trial), 10) + " " +
                     paint(Style::red, exited ? ending_text(*exited) : std::string(cause_text(settle->cause)), colour);
  if (exited) head += " after " + duration_text(exited->usage.seconds);
  if (unsaid_failures_) head += "  (and " + std::to_string(unsaid_failures_) + " more since the last one)";
  ++failures_told_, last_failure_ = now, unsaid_failures_ = 0;
  std::string help;
  if (settle && settle->cause == Cause::no_metric && failures_told_ == 1)
    help = "\n   " + paint(Style::cyan, "= help:", colour) + " have it print a line such as  ::tune {\"" +
           printable(board_.metric()) + "\": 0.5}   (tune doctor --protocol CONFIG shows what it says)";
  screen_->say([head, help, folder = attempt_folder(folder_, trial, attempt), colour] {
    std::string out = head;
    for (const auto& line : last_log_lines(folder, 5))
      out += "\n" + paint(Style::dim, "   │ " + fit(printable(line), 160), colour);
    return out + help;
  });
}

void Progress::tell_command(const Record& record, const History& history) {
  const auto* launch = record.as<Launch>();
  if (!launch || !history.contains(launch->trial) || settings_.form == Form::json) return;
  screen_->say(paint(Style::dim, " $ ", settings_.colour) + settings_.command(history.trial(launch->trial)));
}

void Progress::tell_plain(const Record& record, const Board::News& news, const History& history) {
  if (news.failed && failures_told_ < 3) tell_failure(record, history);
  if (const auto* warned = record.as<Warned>()) screen_->say("warning: " + printable(warned->text));
  const auto* settle = record.as<Settle>();
  if (!settle) return;
  const double now = elapsed();
  if (last_line_ >= 0 && now - last_line_ < kBetweenLines) {
    ++unsaid_;
    return;
  }
  std::string line = "[" + std::to_string(finished_) + (board_.budget() ? "/" + std::to_string(*board_.budget()) : "") +
                     "] " + name_of(settle->trial) + " " + std::string(to_text(settle->state));
  if (settle->state == TrialState::failed) line += " (" + std::string(cause_text(settle->cause)) + ")";
  if (!settle->values.empty()) line += "  " + values_text(settle->values, history.spec().objectives, false);
  if (board_.several() && board_.best())
    line += std::string(news.best ? "  one of " : "  best ") + std::to_string(board_.front().members().size()) +
            (news.best ? " best" : " trials");
  else if (board_.best())
    line += news.best ? "  new best"
                      : "  best " + number_text(board_.best()->value) + " (" + name_of(board_.best()->trial) + ")";
  if (unsaid_) line += "  (" + std::to_string(unsaid_) + " others since the last line)";
  screen_->say(std::move(line));
  last_line_ = now, unsaid_ = 0;
}

void Progress::plain_tick() {
  const std::lock_guard lock(mutex_);
  const double now = elapsed();
  if (now - std::max(0.0, last_line_) < kBetweenSilentLines) return;
  last_line_ = now;
  screen_->say("… " + duration_text(now) + "  " + board_.summary(now));
}

void Progress::tell_json(const Record& record, const Board::News& news, const History& history) {
  if (auto line = event_of(record, history, settings_.every_report); !line.empty()) screen_->say(std::move(line));
  if (!news.best) return;
  std::string members;
  JsonWriter out(members);
  out.begin_object().key("trial").value(board_.best()->trial.value).key("metric").value(board_.metric());
  out.key("value").value(board_.best()->value);
  if (board_.several()) out.key("front").value(static_cast<std::int64_t>(board_.front().members().size()));
  out.end_object();
  screen_->say(event_line("best", record.seq, record.at.seconds, members.substr(1, members.size() - 2)));
}

void Progress::event(const char* name, Seq seq, double at, const std::string& members) {
  if (settings_.form == Form::json) screen_->say(event_line(name, seq, at, members));
}

void Progress::say(const std::string& line) {
  if (settings_.form == Form::bar || settings_.form == Form::plain) screen_->say(line);
}

void Progress::say_ending(const std::string& how, std::optional<double> grace_seconds) {
  {
    const std::lock_guard lock(mutex_);
    board_.say_ending(how, grace_seconds ? std::optional{elapsed() + *grace_seconds} : std::nullopt);
  }
  if (settings_.form == Form::plain) screen_->say(how);
}

std::string Progress::dump() {
  const std::lock_guard lock(mutex_);
  std::string out;
  for (const auto& line : board_.lines(elapsed(), 160, 200, false)) out += line + "\n";
  return out;
}

}  // namespace tune
