// SPDX-License-Identifier: Apache-2.0
#include "tuner/units.hpp"

#include <array>
#include <charconv>
#include <cmath>

#include "tuner/json.hpp"

namespace tune {
namespace {

// Digits with an optional fraction, no sign and no exponent, from the front of `text`.
std::optional<double> take_number(std::string_view& text) {
  double value = 0;
  if (text.empty() || text[0] < '0' || text[0] > '9') return std::nullopt;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (ec != std::errc{} || end[-1] == '.') return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

struct Unit {
  std::string_view name;
  double factor;
};
constexpr std::array<Unit, 5> kTimes{
    {{"ms", 1e-3}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}}};  // "ms" before "m".
constexpr std::array<Unit, 5> kSizes{{{"KiB", 0x1p10}, {"MiB", 0x1p20}, {"GiB", 0x1p30}, {"TiB", 0x1p40}, {"B", 1}}};

const Unit* take_unit(std::string_view& text, const std::array<Unit, 5>& units) {
  for (const auto& unit : units)
    if (text.starts_with(unit.name)) return text.remove_prefix(unit.name.size()), &unit;
  return nullptr;
}

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  if (text.empty()) return std::nullopt;
  double seconds = 0;
  while (!text.empty()) {
    const auto number = take_number(text);
    const Unit* unit = number ? take_unit(text, kTimes) : nullptr;
    if (!unit) return std::nullopt;
    seconds += unit->name == "ms" ? *number / 1000 : *number * unit->factor;
  }
  constexpr double kMost = 1000 * 365.25 * 86400;
  return seconds <= kMost ? std::optional{Duration{seconds}} : std::nullopt;
}

std::string to_text(Duration duration) {
  const double seconds = duration.seconds;
  if (seconds == 0) return "0s";
  std::string out;
  if (seconds == std::floor(seconds)) {
    auto rest = static_cast<std::int64_t>(seconds);
    for (const auto& [name, factor] : {Unit{"d", 86400}, Unit{"h", 3600}, Unit{"m", 60}, Unit{"s", 1}}) {
      const auto size = static_cast<std::int64_t>(factor);
      if (rest >= size) out += std::to_string(rest / size) + std::string{name};
      rest %= size;
    }
    return out;
  }
  const double ms = seconds * 1000;
  if (ms == std::floor(ms) && ms < 0x1p53 && ms / 1000 == seconds)
    return std::to_string(static_cast<std::int64_t>(ms)) + "ms";
  char digits[400];  // The shortest fixed form of the smallest double has 324 places.
  return std::string(digits, std::to_chars(digits, digits + sizeof digits, seconds, std::chars_format::fixed).ptr) +
         "s";
}

std::optional<std::int64_t> parse_bytes(std::string_view text) {
  const auto number = take_number(text);
  const Unit* unit = number ? take_unit(text, kSizes) : nullptr;
  if (!unit || !text.empty()) return std::nullopt;
  const double bytes = std::floor(*number * unit->factor);
  return bytes < 0x1p63 ? std::optional{static_cast<std::int64_t>(bytes)} : std::nullopt;
}

std::string bytes_text(std::int64_t bytes) {
  for (const auto& [name, factor] :
       {Unit{"TiB", 0x1p40}, Unit{"GiB", 0x1p30}, Unit{"MiB", 0x1p20}, Unit{"KiB", 0x1p10}}) {
    const auto size = static_cast<std::int64_t>(factor);
    if (bytes != 0 && bytes % size == 0) return std::to_string(bytes / size) + std::string{name};
  }
  return std::to_string(bytes) + "B";
}

}  // namespace tune
