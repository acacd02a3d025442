// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "executors/process/report_line.hpp"

namespace tune {

/// report.regex: reads reports out of what a program prints for people. One for all attempts.
class Patterns {
 public:
  /// Values of one attempt that wait for the others of their report.
  using Found = std::map<std::string, double>;

  /// `regex`: metric to pattern with one group. A pattern that does not compile is left out and named in errors().
  Patterns(const std::map<std::string, std::string>& regex, std::string step_key);
  bool empty() const { return patterns_.empty(); }
  const std::vector<std::pair<std::string, std::string>>& errors() const { return errors_; }

  /// Looks at one line. A report is complete when every pattern has matched, or one matches again: programs print a line
  /// for each metric. Lines over 4 KiB are not looked at (std::regex recurses).
  template <class F>
  void read(std::string_view line, Found& found, F&& report) const {
    for (const auto& [name, pattern] : patterns_) {
      const auto value = match(line, pattern);
      if (!value) continue;
      if (found.contains(name)) flush(found, report);
      found[name] = *value;
    }
    if (found.size() == patterns_.size()) flush(found, report);
  }
  /// Whatever is there, as a report: the program has ended.
  template <class F>
  void flush(Found& found, F&& report) const {
    if (auto line = take(found)) report(*line);
  }

 private:
  static std::optional<double> match(std::string_view line, const std::regex&);
  std::optional<ReportLine> take(Found&) const;

  std::vector<std::pair<std::string, std::regex>> patterns_;
  std::vector<std::pair<std::string, std::string>> errors_;
  std::string step_key_;
  mutable std::shared_ptr<const std::vector<std::string>> names_;  // Of the last report, to be shared by the next.
};

}  // namespace tune
