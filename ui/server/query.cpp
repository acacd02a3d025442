// SPDX-License-Identifier: Apache-2.0
#include "ui/server/query.hpp"

#include <algorithm>
#include <charconv>

#include "tuner/utf8.hpp"
#include "tuner/value.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

Error invalid(std::string message, std::string hint = {}) { return {Error::Code::invalid, std::move(message), std::move(hint)}; }

int hexadecimal(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/// nullopt: a broken escape, NUL, or no UTF-8.
std::optional<std::string> decoded(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '%') {
      out += text[i] == '+' ? ' ' : text[i];
      continue;
    }
    const int high = i + 2 < text.size() ? hexadecimal(text[i + 1]) : -1;
    const int low = i + 2 < text.size() ? hexadecimal(text[i + 2]) : -1;
    if (high < 0 || low < 0) return std::nullopt;
    out += static_cast<char>(high * 16 + low);
    i += 2;
  }
  for (std::string_view rest = out; !rest.empty();) {
    const auto length = utf8_length(rest);
    if (length == 0 || rest.front() == '\0') return std::nullopt;
    rest.remove_prefix(length);
  }
  return out;
}

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (failed != std::errc{} || end != text.data() + text.size() || text.empty()) return std::nullopt;
  return number;
}

Error unknown_key(std::string_view key, std::span<const std::string_view> known) {
  std::string names;
  for (const auto name : known) names += (names.empty() ? "" : ", ") + std::string(name);
  return invalid("there is no query key `" + printable(key) + "` here",
                 names.empty() ? "this takes none" : "it takes " + names);
}

}  // namespace

Result<Query> Query::read(std::string_view text, std::span<const std::string_view> known) {
  Query query;
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    const auto equals = std::min(part.find('='), part.size());
    const auto key = decoded(part.substr(0, equals));
    auto value = decoded(part.substr(std::min(equals + 1, part.size())));
    if (!key || !value) return invalid("the query has an escape or a character that cannot be read", "write UTF-8 as %C3%BC");
    if (std::find(known.begin(), known.end(), *key) == known.end()) return unknown_key(*key, known);
    if (query.has(*key)) return invalid("`" + *key + "` is given twice");
    query.values_.emplace_back(*key, std::move(*value));
  }
  return query;
}

const std::string* Query::find(std::string_view key) const {
  for (const auto& [name, value] : values_)
    if (name == key) return &value;
  return nullptr;
}

std::string Query::get(std::string_view key) const {
  const auto* value = find(key);
  return value ? *value : std::string{};
}

Result<std::optional<std::int64_t>> Query::whole(std::string_view key, std::int64_t least, std::int64_t most) const {
  const auto* value = find(key);
  if (!value) return std::optional<std::int64_t>{};
  const auto number = whole_number(*value);
  if (!number || *number < least || *number > most)
    return invalid("`" + std::string(key) + "` is a whole number from " + std::to_string(least) + " to " + std::to_string(most) +
                   ", not `" + printable(*value) + "`");
  return number;
}

std::vector<std::string> Query::list(std::string_view key) const { return comma_separated(get(key)); }

Result<std::vector<std::int64_t>> Query::numbers(std::string_view key) const {
  std::vector<std::int64_t> out;
  for (const auto& part : list(key)) {
    const auto number = whole_number(part);
    if (!number || *number < 0)
      return invalid("`" + std::string(key) + "` takes numbers with commas between, not `" + printable(part) + "`");
    out.push_back(*number);
  }
  return out;
}

}  // namespace tune
