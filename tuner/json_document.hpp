// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// JSON as a tree that remembers where each part stood. For configs; see json.hpp for why not nlohmann.
namespace tune {

/// Bytes [begin, end) of one of several texts: 0 is the file, the others are values given on the command line.
struct Span {
  std::size_t source = 0, begin = 0, end = 0;
};

struct JsonMember;

struct JsonNode {
  enum class Kind : std::uint8_t { null, boolean, number, string, array, object };
  Kind kind = Kind::null;
  bool boolean = false;
  double number = 0;                    ///< May be NaN or infinite.
  std::optional<std::int64_t> integer;  ///< The number, if it was written as one and fits.
  std::string text;
  std::vector<JsonNode> items;
  std::vector<JsonMember> members;  ///< In the order of the text, each key once.
  Span span;

  const JsonMember* find(std::string_view key) const;
  JsonMember* find(std::string_view key);
};

struct JsonMember {
  std::string key;
  Span key_span;
  JsonNode value;
  Span span() const {
    return key_span.source == value.span.source ? Span{key_span.source, key_span.begin, value.span.end} : value.span;
  }
};

/// What parse_json found wrong: a syntax error (the last report, nothing follows) or a key that was there before.
struct JsonFault {
  enum class Kind { syntax, duplicate, encoding };
  Kind kind;
  Span span;
  std::string message;
};

/// Reads a whole document with comments and trailing commas, at most 64 levels deep. nullopt after a syntax error; a
/// second value of a key is reported and left out; text that is not UTF-8 is reported. Total on any bytes.
std::optional<JsonNode> parse_json(std::string_view text, std::size_t source,
                                   const std::function<void(JsonFault)>& report);

/// JSON again, without comments and white space.
std::string to_json(const JsonNode&);

}  // namespace tune
