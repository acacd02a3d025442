// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// A small pull reader and a writer for JSON on hot paths and where positions matter: reports (one per line, a hundred
/// thousand a second), facts (a million at opening) and configs (errors need line and column; nlohmann 3.11 keeps no
/// positions, silently keeps the last of two equal keys and overflows the stack on deep input). Elsewhere use nlohmann.
namespace tune {

/// Reads one JSON document from a text that outlives it. A pull parser: each call consumes one token, nothing is built.
/// After the first error every call answers `end` / false and error() tells what and where.
class JsonReader {
 public:
  struct Dialect {
    bool comments = false;         ///< // and /* */
    bool trailing_commas = false;
    bool bare_nan = true;          ///< NaN, Infinity, -Infinity as Python writes them.
    int depth = 64;
  };
  enum class Token { object, object_end, array, array_end, key, string, number, boolean, null, end };

  explicit JsonReader(std::string_view text) : JsonReader(text, Dialect{}) {}
  JsonReader(std::string_view text, Dialect dialect);

  /// The next token. For `key`, `string`, `number`, `boolean` the accessors below hold its value until the next call.
  Token next();
  /// Consumes a whole value (the one next() would begin).
  void skip();

  /// Of a key or string, unescaped. Points into the text, or into a buffer of the reader when escapes were replaced.
  std::string_view text() const { return text_; }
  double number() const { return number_; }
  /// The number is written without fraction and exponent and fits.
  std::optional<std::int64_t> integer() const { return integer_; }
  bool boolean() const { return boolean_; }

  /// Byte offsets of the last token in the text.
  std::size_t begin() const { return token_begin_; }
  std::size_t end() const { return token_end_; }

  bool failed() const { return !error_.empty(); }
  const std::string& error() const { return error_; }       ///< "expected ',' or '}'"; empty if none.
  std::size_t error_at() const { return error_at_; }

 private:
  enum class Expect : std::uint8_t { value, key_or_end, key, colon_value, comma_or_end, value_or_end, done };
  Token fail(std::string what, std::size_t at);
  bool blank();
  Token value(char c);
  bool read_string();
  bool read_number();
  Token close(char c);
  bool word(std::string_view w);

  std::string_view in_;
  Dialect dialect_;
  std::size_t at_ = 0, token_begin_ = 0, token_end_ = 0, error_at_ = 0;
  std::vector<char> open_;  ///< '{' or '[' per level
  Expect expect_ = Expect::value;
  std::string_view text_;
  std::string buffer_, error_;
  double number_ = 0;
  std::optional<std::int64_t> integer_;
  bool boolean_ = false;
};

/// Appends JSON to a string. Commas are its business, nesting is the caller's.
class JsonWriter {
 public:
  explicit JsonWriter(std::string& out) : out_(out) {}
  JsonWriter& begin_object() { comma(); out_ += '{'; fresh_ = true; return *this; }
  JsonWriter& end_object() { out_ += '}'; fresh_ = false; return *this; }
  JsonWriter& begin_array() { comma(); out_ += '['; fresh_ = true; return *this; }
  JsonWriter& end_array() { out_ += ']'; fresh_ = false; return *this; }
  JsonWriter& key(std::string_view name);
  JsonWriter& value(std::string_view text);   ///< Invalid UTF-8 becomes U+FFFD: the output is always valid.
  JsonWriter& value(const char* text) { return value(std::string_view{text}); }
  JsonWriter& value(double number);           ///< Shortest round trip; "nan", "inf", "-inf" as strings.
  JsonWriter& value(std::int64_t number);
  JsonWriter& value(int number) { return value(static_cast<std::int64_t>(number)); }
  JsonWriter& value(bool b);
  JsonWriter& null();
  JsonWriter& raw(std::string_view json);     ///< A value that is JSON already.

 private:
  void comma() {
    if (!fresh_) out_ += ',';
    fresh_ = false;
  }
  std::string& out_;
  bool fresh_ = true;
};

/// Shortest text that reads back as the same double: "0.1", "1e-05", "nan", "-inf". Independent of the locale.
std::string to_text(double number);

}  // namespace tune
