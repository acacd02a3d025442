// SPDX-License-Identifier: Apache-2.0
#include "ui/view/text.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <ctime>

#include "tuner/json.hpp"
#include "tuner/utf8.hpp"

namespace tune {
namespace {

/// The character that `text` begins with, and how many bytes it has; a byte that begins none counts as itself.
struct Character {
  char32_t code;
  std::size_t bytes;
};
Character first_character(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const std::size_t n = utf8_length(text);
  if (n <= 1) return {byte(0), 1};
  char32_t code = byte(0) & (0xff >> (n + 1));
  for (std::size_t i = 1; i < n; ++i) code = code << 6 | (byte(i) & 0x3f);
  return {code, n};
}

// The blocks that matter, not the whole of UAX #11: being a column off in a rare script only shifts a table.
std::size_t columns(char32_t c) {
  const auto in = [c](char32_t low, char32_t high) { return c >= low && c <= high; };
  if (in(0x300, 0x36f) || in(0x200b, 0x200f) || in(0x20d0, 0x20ff) || in(0xfe00, 0xfe0f) || c == 0xfeff) return 0;
  const bool wide = in(0x1100, 0x115f) || in(0x2e80, 0xa4cf) || in(0xac00, 0xd7a3) || in(0xf900, 0xfaff) ||
                    in(0xfe30, 0xfe6f) || in(0xff00, 0xff60) || in(0xffe0, 0xffe6) || in(0x1f300, 0x1faff) ||
                    in(0x20000, 0x3fffd);
  return wide ? 2 : 1;
}

std::size_t escape_length(std::string_view text) {
  if (text.size() < 2 || text[0] != '\x1b' || text[1] != '[') return 0;
  const auto end = text.find('m');
  return end == std::string_view::npos ? 0 : end + 1;
}

std::string fixed(double number, int digits) {
  std::array<char, 400> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::fixed, digits).ptr;
  return {buffer.data(), end};
}

std::string two_digits(std::int64_t n) { return (n < 10 ? "0" : "") + std::to_string(n); }

}  // namespace

std::string paint(Style style, std::string_view text, bool colour) {
  static constexpr std::array<std::string_view, 7> codes = {"", "1", "2", "31", "32", "33", "36"};
  if (!colour || style == Style::plain || text.empty()) return std::string(text);
  std::string out = "\x1b[";
  out.append(codes[static_cast<std::size_t>(style)]).append("m").append(text).append("\x1b[0m");
  return out;
}

std::size_t display_width(std::string_view text) {
  std::size_t width = 0;
  while (!text.empty()) {
    if (const auto escape = escape_length(text)) {
      text.remove_prefix(escape);
      continue;
    }
    const auto c = first_character(text);
    width += columns(c.code);
    text.remove_prefix(c.bytes);
  }
  return width;
}

std::string fit(std::string_view text, std::size_t width) {
  if (text.size() <= width || display_width(text) <= width) return std::string(text);
  if (width == 0) return {};
  std::size_t taken = 0, used = 0;
  while (taken < text.size()) {
    const auto c = first_character(text.substr(taken));
    if (used + columns(c.code) > width - 1) break;
    used += columns(c.code), taken += c.bytes;
  }
  return std::string(text.substr(0, taken)) + "…";
}

std::string pad(std::string text, std::size_t width, bool right) {
  const auto now = display_width(text);
  if (now >= width) return text;
  return right ? std::string(width - now, ' ') + text : text + std::string(width - now, ' ');
}

std::string duration_text(double seconds) {
  if (!(seconds >= 0) || seconds > 1e11) return "-";
  if (seconds < 0.9995) return std::to_string(std::lround(seconds * 1000)) + "ms";
  if (seconds < 59.95) return fixed(seconds, 1) + "s";
  const auto s = static_cast<std::int64_t>(std::llround(seconds));
  if (s < 3600) return std::to_string(s / 60) + "m" + two_digits(s % 60) + "s";
  if (s < 86400) return std::to_string(s / 3600) + "h" + two_digits(s / 60 % 60) + "m";
  return std::to_string(s / 86400) + "d" + two_digits(s / 3600 % 24) + "h";
}

std::string number_text(double number) {
  if (!std::isfinite(number)) return to_text(number);
  std::array<char, 64> buffer;
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), number, std::chars_format::general, 6).ptr;
  return {buffer.data(), end};
}

std::string value_text(const Value& value) {
  if (const auto* number = std::get_if<double>(&value)) return number_text(*number);
  return printable(to_text(value));
}

std::string size_text(std::int64_t bytes) {
  static constexpr std::array<const char*, 5> units = {"B", "kB", "MB", "GB", "TB"};
  double size = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (size >= 999.5 && unit + 1 < units.size()) size /= 1000, ++unit;
  return fixed(size, unit > 0 && size < 9.95 ? 1 : 0) + " " + units[unit];
}

std::string time_text(double seconds) {
  const auto t = static_cast<std::time_t>(seconds);
  std::tm local{};
  if (!(seconds > 0) || !localtime_r(&t, &local)) return "-";
  return std::to_string(local.tm_year + 1900) + "-" + two_digits(local.tm_mon + 1) + "-" + two_digits(local.tm_mday) +
         " " + two_digits(local.tm_hour) + ":" + two_digits(local.tm_min) + ":" + two_digits(local.tm_sec);
}

std::string printable_lines(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    out += printable(text.substr(0, end));
    if (end < text.size()) out += '\n';
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string params_text(const Params& params, std::size_t width) {
  std::string out;
  for (const auto& [name, value] : params) {
    if (!out.empty()) out += ' ';
    out += printable(name) + "=" + value_text(value);
  }
  return fit(out, width);
}

std::string sparkline(std::span<const double> values, std::size_t width) {
  static constexpr std::array<const char*, 8> levels = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
  double low = INFINITY, high = -INFINITY;
  for (const double v : values)
    if (std::isfinite(v)) low = std::min(low, v), high = std::max(high, v);
  const std::size_t count = std::min(values.size(), width);
  std::string out;
  for (std::size_t i = 0; i < count; ++i) {
    double sum = 0;
    std::size_t finite = 0;
    for (std::size_t k = i * values.size() / count; k < (i + 1) * values.size() / count; ++k)
      if (std::isfinite(values[k])) sum += values[k], ++finite;
    if (finite == 0) {
      out += "·";
    } else {
      const double part = high > low ? (sum / static_cast<double>(finite) - low) / (high - low) : 0.5;
      out += levels[static_cast<std::size_t>(std::clamp(std::lround(part * 7), 0L, 7L))];
    }
  }
  return out;
}

std::string bar_text(double fraction, std::size_t width) {
  static constexpr std::array<const char*, 7> parts = {"▏", "▎", "▍", "▌", "▋", "▊", "▉"};
  const double share = std::isfinite(fraction) ? std::clamp(fraction, 0.0, 1.0) : 0.0;
  const auto eighths = static_cast<std::size_t>(share * static_cast<double>(width) * 8);
  std::string out;
  std::size_t used = 0;
  for (; used < eighths / 8; ++used) out += "█";
  if (eighths % 8 != 0) out += parts[eighths % 8 - 1], ++used;
  for (; used < width; ++used) out += "░";
  return out;
}

std::vector<std::string> comma_separated(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    const auto end = std::min(text.find(','), text.size());
    auto part = text.substr(0, end);
    while (part.starts_with(' ')) part.remove_prefix(1);
    while (part.ends_with(' ')) part.remove_suffix(1);
    if (!part.empty()) out.emplace_back(part);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

std::string shell_quoted(std::string_view argument) {
  const auto safe = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view("-_=./:,+%@").find(c) != std::string_view::npos;
  };
  if (!argument.empty() && std::all_of(argument.begin(), argument.end(), safe)) return std::string(argument);
  std::string out = "'";
  for (const char c : argument) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

}  // namespace tune
