// SPDX-License-Identifier: Apache-2.0
// The pull reader on any bytes: it ends, tokens lie within the text, and what it reads our writer writes back the same.
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tuner/json.hpp"

namespace {

using tune::JsonReader;
using tune::JsonWriter;

/// The document written anew; empty if it is not one.
std::string rewritten(std::string_view text, JsonReader::Dialect dialect) {
  JsonReader reader{text, dialect};
  std::string out;
  JsonWriter writer{out};
  for (;;) {
    const auto token = reader.next();
    if (reader.failed()) {
      if (reader.error_at() > text.size()) std::abort();
      return {};
    }
    if (token == JsonReader::Token::end) return out;
    if (reader.begin() > reader.end() || reader.end() > text.size()) std::abort();
    switch (token) {
      case JsonReader::Token::object: writer.begin_object(); break;
      case JsonReader::Token::object_end: writer.end_object(); break;
      case JsonReader::Token::array: writer.begin_array(); break;
      case JsonReader::Token::array_end: writer.end_array(); break;
      case JsonReader::Token::key: writer.key(reader.text()); break;
      case JsonReader::Token::string: writer.value(reader.text()); break;
      case JsonReader::Token::number:
        // "-0" is the integer 0 and the double -0: as a double it survives.
        if (reader.integer() && !(*reader.integer() == 0 && std::signbit(reader.number()))) {
          writer.value(*reader.integer());
        } else {
          writer.value(reader.number());
        }
        break;
      case JsonReader::Token::boolean: writer.value(reader.boolean()); break;
      case JsonReader::Token::null: writer.null(); break;
      case JsonReader::Token::end: break;
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  const std::string once = rewritten(text, {.comments = true, .trailing_commas = true});
  if (!once.empty() && rewritten(once, {}) != once) std::abort();
  JsonReader skipping{text};
  skipping.skip();
  return 0;
}
