// SPDX-License-Identifier: Apache-2.0
#include "executors/process/patterns.hpp"

#include <charconv>
#include <cmath>

namespace tune {
namespace {
constexpr std::size_t kLongestLine = 4096;
}

Patterns::Patterns(const std::map<std::string, std::string>& regex, std::string step_key) : step_key_(std::move(step_key)) {
  for (const auto& [name, pattern] : regex) {
    try {
      patterns_.emplace_back(name, std::regex(pattern, std::regex::ECMAScript | std::regex::optimize));
    } catch (const std::regex_error& error) {
      errors_.emplace_back(name, error.what());
    }
  }
}

std::optional<double> Patterns::match(std::string_view line, const std::regex& pattern) {
  if (line.size() > kLongestLine) return std::nullopt;
  std::cmatch found;
  try {
    if (!std::regex_search(line.data(), line.data() + line.size(), found, pattern) || found.size() < 2) return std::nullopt;
  } catch (const std::regex_error&) {
    return std::nullopt;  // Too complex for this line.
  }
  const char* begin = found[1].first;
  if (begin != found[1].second && *begin == '+') ++begin;
  double value = 0;
  const auto [end, ec] = std::from_chars(begin, found[1].second, value);  // Knows nan and inf, too.
  return ec == std::errc{} && end != begin ? std::optional{value} : std::nullopt;
}

std::optional<ReportLine> Patterns::take(Found& found) const {
  ReportLine line;
  std::vector<std::string> names;
  for (const auto& [name, value] : std::exchange(found, {})) {
    if (name == step_key_ && value >= 0 && value < 9e15 && value == std::floor(value)) {
      line.step = static_cast<std::int64_t>(value);
    } else {
      names.push_back(name);
      line.metrics.values.push_back(value);
    }
  }
  if (names.empty()) return std::nullopt;
  if (!names_ || *names_ != names) names_ = std::make_shared<const std::vector<std::string>>(std::move(names));
  line.metrics.names = names_;
  return line;
}

}  // namespace tune
