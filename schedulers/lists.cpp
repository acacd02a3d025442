// SPDX-License-Identifier: Apache-2.0
#include "schedulers/lists.hpp"

#include "tuner/json.hpp"

namespace tune::detail {
namespace {

using Token = JsonReader::Token;

// Calls `item` with each element's first token; false where the text is no list or an item was refused.
template <class F>
bool each(const Value* list, F item) {
  if (!list) return true;
  const auto* text = std::get_if<std::string>(list);
  if (!text) return false;
  JsonReader json{*text};
  if (json.next() != Token::array) return false;
  for (auto token = json.next(); token != Token::array_end; token = json.next())
    if (token == Token::end || !item(json, token)) return false;
  return true;
}

std::optional<Value> value_of(const JsonReader& json, Token token) {
  switch (token) {
    case Token::boolean:
      return Value{json.boolean()};
    case Token::string:
      return Value{std::string{json.text()}};
    case Token::number:
      if (json.integer()) return Value{*json.integer()};
      return Value{json.number()};
    default:
      return std::nullopt;
  }
}

bool read_params(JsonReader& json, Params& out) {
  if (json.next() != Token::object) return false;
  for (auto token = json.next(); token != Token::object_end; token = json.next()) {
    if (token != Token::key) return false;
    std::string name{json.text()};
    auto value = value_of(json, json.next());
    if (!value) return false;
    out.set(std::move(name), std::move(*value));
  }
  return true;
}

bool read_line(JsonReader& json, ScheduleLine& out) {
  bool has_step = false;
  for (auto token = json.next(); token != Token::object_end; token = json.next()) {
    if (token != Token::key) return false;
    const std::string key{json.text()};
    if (key == "params") {
      if (!read_params(json, out.params)) return false;
    } else if (key == "step" && json.next() == Token::number && json.integer()) {
      out.step = *json.integer();
      has_step = true;
    } else {
      return false;
    }
  }
  return has_step;
}

}  // namespace

std::optional<std::vector<double>> numbers_of(const Value* list) {
  std::vector<double> out;
  const bool good = each(list, [&](const JsonReader& json, Token token) {
    if (token != Token::number) return false;
    out.push_back(json.number());
    return true;
  });
  return good ? std::optional{out} : std::nullopt;
}

std::optional<std::vector<std::string>> texts_of(const Value* list) {
  std::vector<std::string> out;
  const bool good = each(list, [&](const JsonReader& json, Token token) {
    if (token != Token::string) return false;
    out.emplace_back(json.text());
    return true;
  });
  return good ? std::optional{out} : std::nullopt;
}

std::optional<std::vector<ScheduleLine>> schedule_of(const Value* list) {
  std::vector<ScheduleLine> out;
  const bool good = each(list, [&](JsonReader& json, Token token) {
    return token == Token::object && read_line(json, out.emplace_back());
  });
  return good ? std::optional{out} : std::nullopt;
}

}  // namespace tune::detail
