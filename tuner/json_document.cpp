// SPDX-License-Identifier: Apache-2.0
#include "tuner/json_document.hpp"

#include <algorithm>
#include <set>

#include "tuner/json.hpp"
#include "tuner/utf8.hpp"

namespace tune {
namespace {

using Token = JsonReader::Token;
using Report = std::function<void(JsonFault)>;

// The reader bounds the depth, so recursion is safe.
class Builder {
 public:
  Builder(std::string_view text, std::size_t source, const Report& report)
      : reader_(text, {.comments = true, .trailing_commas = true, .bare_nan = true, .depth = 64}),
        source_(source),
        report_(report) {}

  std::optional<JsonNode> document() {
    auto node = value(reader_.next());
    if (!reader_.failed()) reader_.next();  // Nothing may follow.
    if (!reader_.failed()) return node;
    report_({JsonFault::Kind::syntax, {source_, reader_.error_at(), reader_.error_at() + 1}, reader_.error()});
    return std::nullopt;
  }

 private:
  Span span() const { return {source_, reader_.begin(), reader_.end()}; }

  std::string text() {
    const std::string_view in = reader_.text();
    for (std::size_t i = 0; i < in.size();) {
      const auto length = utf8_length(in.substr(i));
      if (length == 0) {
        report_({JsonFault::Kind::encoding, span(), "this text is not UTF-8"});
        break;
      }
      i += length;
    }
    return std::string{in};
  }

  JsonNode value(Token token) {
    JsonNode node;
    node.span = span();
    switch (token) {
      case Token::boolean:
        node.kind = JsonNode::Kind::boolean, node.boolean = reader_.boolean();
        break;
      case Token::number:
        node.kind = JsonNode::Kind::number, node.number = reader_.number(), node.integer = reader_.integer();
        break;
      case Token::string:
        node.kind = JsonNode::Kind::string, node.text = text();
        break;
      case Token::array:
        node.kind = JsonNode::Kind::array;
        for (Token t = reader_.next(); t != Token::array_end && t != Token::end; t = reader_.next())
          node.items.push_back(value(t));
        node.span.end = reader_.end();
        break;
      case Token::object:
        object(node);
        break;
      default:
        break;
    }
    return node;
  }

  void object(JsonNode& node) {
    node.kind = JsonNode::Kind::object;
    std::set<std::string, std::less<>> keys;
    while (reader_.next() == Token::key) {
      JsonMember member{text(), span(), {}};
      member.value = value(reader_.next());
      if (reader_.failed()) return;
      if (keys.insert(member.key).second)
        node.members.push_back(std::move(member));
      else
        report_({JsonFault::Kind::duplicate, member.key_span, member.key});
    }
    node.span.end = reader_.end();
  }

  JsonReader reader_;
  std::size_t source_;
  const Report& report_;
};

auto find_member(auto& members, std::string_view key) -> decltype(members.data()) {
  const auto found = std::find_if(members.begin(), members.end(), [&](const auto& m) { return m.key == key; });
  return found == members.end() ? nullptr : &*found;
}

void write(JsonWriter& json, const JsonNode& node) {
  switch (node.kind) {
    case JsonNode::Kind::null:
      json.null();
      break;
    case JsonNode::Kind::boolean:
      json.value(node.boolean);
      break;
    case JsonNode::Kind::number:
      node.integer ? json.value(*node.integer) : json.value(node.number);
      break;
    case JsonNode::Kind::string:
      json.value(node.text);
      break;
    case JsonNode::Kind::array:
      json.begin_array();
      for (const auto& item : node.items) write(json, item);
      json.end_array();
      break;
    case JsonNode::Kind::object:
      json.begin_object();
      for (const auto& member : node.members) json.key(member.key), write(json, member.value);
      json.end_object();
      break;
  }
}

}  // namespace

const JsonMember* JsonNode::find(std::string_view key) const { return find_member(members, key); }
JsonMember* JsonNode::find(std::string_view key) { return find_member(members, key); }

std::optional<JsonNode> parse_json(std::string_view text, std::size_t source, const Report& report) {
  return Builder{text, source, report}.document();
}

std::string to_json(const JsonNode& node) {
  std::string out;
  JsonWriter json{out};
  write(json, node);
  return out;
}

}  // namespace tune
