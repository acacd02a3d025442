// SPDX-License-Identifier: Apache-2.0
#include "tuner/value.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/json.hpp"
#include "tuner/result.hpp"
#include "tuner/utf8.hpp"

namespace tune {

std::string to_text(const Value& value) {
  return std::visit(overloaded{[](bool b) { return std::string{b ? "true" : "false"}; },
                               [](std::int64_t i) { return std::to_string(i); },
                               [](double d) { return to_text(d); }, [](const std::string& s) { return s; }},
                    value);
}

std::string to_json(const Value& value) {
  std::string out;
  JsonWriter json{out};
  std::visit([&](const auto& v) { json.value(v); }, value);
  const auto* d = std::get_if<double>(&value);
  if (d && std::isfinite(*d) && out.find_first_of(".e") == std::string::npos) out += ".0";
  return out;
}

std::optional<double> to_number(const Value& value) {
  return std::visit(overloaded{[](const std::string&) { return std::optional<double>{}; },
                               [](auto n) { return std::optional{static_cast<double>(n)}; }},
                    value);
}

namespace {
auto position(auto& entries, std::string_view name) {
  return std::lower_bound(entries.begin(), entries.end(), name, [](const auto& e, auto n) { return e.first < n; });
}
}  // namespace

Params::Params(std::initializer_list<Entry> entries) {
  for (const auto& [name, value] : entries) set(name, value);
}

void Params::set(std::string name, Value value) {
  const auto it = position(entries_, name);
  if (it != entries_.end() && it->first == name)
    it->second = std::move(value);
  else
    entries_.emplace(it, std::move(name), std::move(value));
}

void Params::erase(std::string_view name) {
  const auto it = position(entries_, name);
  if (it != entries_.end() && it->first == name) entries_.erase(it);
}

const Value* Params::find(std::string_view name) const {
  const auto it = position(entries_, name);
  return it != entries_.end() && it->first == name ? &it->second : nullptr;
}

Metrics::Metrics(std::initializer_list<std::pair<std::string, double>> entries) {
  std::vector<std::string> list;
  for (const auto& [name, value] : entries) list.push_back(name), values.push_back(value);
  names = std::make_shared<const std::vector<std::string>>(std::move(list));
}

std::optional<double> Metrics::find(std::string_view name) const {
  for (std::size_t i = 0; i < values.size(); ++i)
    if ((*names)[i] == name) return values[i];
  return std::nullopt;
}

bool Metrics::operator==(const Metrics& other) const {
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  return (values.empty() || names == other.names || (names && other.names && *names == *other.names)) &&
         std::equal(values.begin(), values.end(), other.values.begin(), other.values.end(), same);
}

std::string printable(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    const std::size_t length = utf8_length(text.substr(i));
    // C1 controls (U+0080 to U+009F) and the bidirectional overrides (U+202A to U+202E, U+2066 to U+2069) steer terminals too.
    const bool c1 = length == 2 && c == 0xc2 && static_cast<unsigned char>(text[i + 1]) < 0xa0;
    const auto low = [&] { return static_cast<unsigned char>(text[i + 2]); };
    const bool bidi = length == 3 && c == 0xe2 &&
                      ((text[i + 1] == '\x80' && low() >= 0xaa && low() <= 0xae) ||
                       (text[i + 1] == '\x81' && low() >= 0xa6 && low() <= 0xa9));
    if (length == 0 || c < 0x20 || c == 0x7f || c1 || bidi) {
      const std::size_t bytes = length ? length : 1;
      for (std::size_t k = 0; k < bytes; ++k) {
        const auto b = static_cast<unsigned char>(text[i + k]);
        out += "\\x", out += hex[b >> 4], out += hex[b & 15];
      }
      i += bytes;
    } else {
      out.append(text, i, length);
      i += length;
    }
  }
  return out;
}

}  // namespace tune
