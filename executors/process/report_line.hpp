// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/value.hpp"

namespace tune {

/// One line of the trial protocol, as docs/trial-protocol.md specifies it.
struct ReportLine {
  std::optional<std::int64_t> step, seq;
  Metrics metrics;
  std::vector<double> constraints;
  std::optional<double> cost;
  bool sync = false, final = false;
  std::string checkpoint;         ///< Path of what was just saved; empty: nothing.
  std::string event, message;     ///< ready, saving, warn, artifact, heartbeat; empty: none.
  std::vector<std::string> caps;  ///< Of `ready`.

  /// It carries something that is recorded as a report (a lone heartbeat or checkpoint does not).
  bool is_report() const { return sync || final || cost || metrics.size() > 0 || !constraints.empty(); }
};

/// Reads the lines of one attempt. It remembers the last list of metric names, so that all reports of an attempt share one
/// and a report costs no allocation but its values: 0.2 to 0.4 us for a flat object of numbers. Total: any bytes give a
/// report or an error, in time linear in their number.
class ReportLineReader {
 public:
  /// `step_key`: the reported key that is the step.
  explicit ReportLineReader(std::string step_key = "step") : step_key_(std::move(step_key)) {}

  /// Reads into `out` (whatever it held is gone). False: the line is no report; error() says why. Unknown keys are ignored;
  /// a number may also be null, NaN, or a text "nan", "inf", "-inf".
  bool read(std::string_view line, ReportLine& out);
  const std::string& error() const { return error_; }

 private:
  class Reading;
  std::string step_key_, error_;
  std::shared_ptr<const std::vector<std::string>> names_;
};

/// Cuts a stream of bytes into lines. A line longer than `max_line` is dropped whole, however long, at no cost in memory, and
/// counted if it begins with `counted`.
class LineCutter {
 public:
  explicit LineCutter(std::size_t max_line, std::string_view counted = "") : max_(max_line), counted_(counted) {}

  /// Calls `line(text)` for every line that is complete, without its end of line. Lines that lie whole in `bytes` are not copied.
  template <class F>
  void feed(std::string_view bytes, F&& line) {
    while (!bytes.empty()) {
      const auto end = bytes.find('\n');
      const auto part = bytes.substr(0, end);
      if (skipping_ || rest_.size() + part.size() > max_) {
        if (!skipping_) dropped_ += (rest_.empty() ? part : std::string_view{rest_}).starts_with(counted_);
        skipping_ = end == std::string_view::npos;
        rest_.clear();
      } else if (end == std::string_view::npos) {
        rest_.append(part);
      } else if (rest_.empty()) {
        line(part);
      } else {
        rest_.append(part);
        line(std::string_view{rest_});
        rest_.clear();
      }
      if (end == std::string_view::npos) return;
      bytes.remove_prefix(end + 1);
    }
  }
  /// What came after the last end of line (a program that ends without one).
  template <class F>
  void finish(F&& line) {
    if (!rest_.empty()) line(std::string_view{rest_});
    rest_.clear();
  }
  std::int64_t take_dropped() { return std::exchange(dropped_, 0); }

 private:
  std::size_t max_;
  std::string_view counted_;
  std::string rest_;
  bool skipping_ = false;
  std::int64_t dropped_ = 0;
};

}  // namespace tune
