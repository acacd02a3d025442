// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "tuner/tuner.hpp"
#include "ui/cli/board.hpp"
#include "ui/cli/screen.hpp"

namespace tune {

/// What a person, a pipe or a program sees of a sweep while it goes on.
///
///   bar    a block of at most ten lines at the bottom of a terminal; what is worth reading scrolls by above it
///   plain  a line for a finished trial, never more than one a second, and a word every 30 seconds when none finishes
///   json   one event a line, docs/events.md
///   none   nothing
///
/// The loop's thread only folds records and hands lines over; the screen's thread does the drawing.
class Progress final : public Watcher {
 public:
  enum class Form { bar, plain, json, none };
  struct Settings {
    Form form = Form::plain;
    bool colour = false;
    bool every_report = false;                         ///< json: also an event for each report.
    std::function<std::string(const Trial&)> command;  ///< If set: says each attempt's command line as it is launched.
    int fd = 2;
  };
  /// `spec` is read here and now only.
  Progress(const Spec& spec, Settings settings);
  ~Progress() override;

  /// `<store>.d/<name>`, where the logs of failed trials are. Before the first record.
  void set_folder(std::string folder) { folder_ = std::move(folder); }
  /// What was there before this process. Before the first record.
  void begin(const History&);
  void on_durable(const Record&, const History&) override;
  void on_turn(const Turn&, const History&) override;

  /// A line above the block. Any thread. Not for json.
  void say(const std::string& line);
  /// What is going on at the end, and how many seconds it may take. Any thread.
  void say_ending(const std::string& how, std::optional<double> grace_seconds = {});
  /// The terminal is gone: lines only from now on, no block. Any thread.
  void detach() { screen_->detach(); }
  /// One event (json form only): the object's members after `event`, without braces.
  void event(const char* name, Seq seq, double at, const std::string& members);
  /// The state in some lines, for SIGUSR1. Any thread.
  std::string dump();
  /// Nothing is shown afterwards.
  void close() { screen_->close(); }

 private:
  double elapsed() const;
  void tell_bar(const Record&, const Board::News&, const History&, std::optional<double> before);
  void tell_plain(const Record&, const Board::News&, const History&);
  void tell_command(const Record&, const History&);
  void tell_json(const Record&, const Board::News&, const History&);
  void tell_failure(const Record&, const History&);
  void plain_tick();
  std::string name_of(TrialId) const;

  const Settings settings_;
  std::string name_, folder_;
  const std::chrono::steady_clock::time_point began_ = std::chrono::steady_clock::now();
  std::mutex mutex_;  ///< Guards what follows: the loop's thread writes, the screen's reads.
  Board board_;
  double last_line_ = -1;
  std::int64_t unsaid_ = 0, unsaid_failures_ = 0;
  int failures_told_ = 0;
  double last_failure_ = -10;
  std::int64_t finished_ = 0;
  std::unique_ptr<Screen> screen_;  // Last: its thread reads the rest and must end first.
};

}  // namespace tune
