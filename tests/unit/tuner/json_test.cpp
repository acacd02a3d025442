// SPDX-License-Identifier: Apache-2.0
#include "tuner/json.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <cstring>
#include <limits>

#include "tuner/json_document.hpp"
#include "tuner/rng.hpp"

using namespace tune;
using Token = JsonReader::Token;

namespace {

constexpr JsonReader::Dialect kConfig{.comments = true, .trailing_commas = true};

std::string error_of(std::string_view text, JsonReader::Dialect dialect = {}) {
  JsonReader reader{text, dialect};
  while (reader.next() != Token::end) {}
  return reader.error();
}

double number(std::string_view text) {
  JsonReader reader{text};
  REQUIRE(reader.next() == Token::number);
  return reader.number();
}

std::string string(std::string_view text) {
  JsonReader reader{text};
  REQUIRE(reader.next() == Token::string);
  return std::string{reader.text()};
}

std::string written(auto value) {
  std::string out;
  JsonWriter{out}.value(value);
  return out;
}

}  // namespace

TEST_CASE("tokens come in order with their places", "[json]") {
  JsonReader reader{R"( {"a": [1, true], "b": null} )"};
  CHECK(reader.next() == Token::object);
  CHECK(reader.next() == Token::key);
  CHECK(reader.text() == "a");
  CHECK((reader.begin() == 2 && reader.end() == 5));
  CHECK(reader.next() == Token::array);
  CHECK(reader.next() == Token::number);
  CHECK(reader.integer() == 1);
  CHECK(reader.next() == Token::boolean);
  CHECK(reader.next() == Token::array_end);
  CHECK(reader.next() == Token::key);
  CHECK(reader.next() == Token::null);
  CHECK(reader.next() == Token::object_end);
  CHECK(reader.next() == Token::end);
  CHECK_FALSE(reader.failed());
}

TEST_CASE("skip passes over a whole value", "[json]") {
  JsonReader reader{R"({"a": {"b": [1, {"c": 2}]}, "d": 3})"};
  reader.next(), reader.next();
  reader.skip();
  CHECK(reader.next() == Token::key);
  CHECK(reader.text() == "d");
}

TEST_CASE("malformed documents are refused", "[json]") {
  for (const char* text : {"",          "{",        "[1,]",    "{\"a\":1,}", "{a:1}", "[1 2]", "01",
                           "-",         "1.",       ".5",      "+1",         "1e",    "\"a",   "\"\\x\"",
                           "\"\\u12\"", "\"\n\"",   "tru",     "nul",        "1 2",   "{} {}", "]",
                           "{\"a\"}",   "{\"a\":}", "// x\n1", "[1,,2]",     "'a'",   "\x01",  "{\"a\":1 \"b\":2}",
                           "/",         "1/"})
    CHECK_FALSE(error_of(text).empty());
}

TEST_CASE("a config may have comments and commas before closing brackets", "[json]") {
  CHECK(error_of("// a\n[1, /* b */ 2, ] // c", kConfig).empty());
  CHECK(error_of("{\"a\": 1, }", kConfig).empty());
  for (const char* text : {"[,]", "{,}", "[1,,]", "/* x", "[1] / 2"}) CHECK_FALSE(error_of(text, kConfig).empty());
}

TEST_CASE("numbers keep what they are", "[json]") {
  CHECK(std::signbit(number("-0")));
  CHECK(number("1e999") == std::numeric_limits<double>::infinity());
  CHECK(number("-1e999") == -std::numeric_limits<double>::infinity());
  CHECK(number("1e-999") == 0);
  CHECK(number("9007199254740993") == 9007199254740992.0);
  CHECK(number("123456789012345678901234567890") == 123456789012345678901234567890.0);
  CHECK(std::isnan(number("NaN")));
  CHECK(number("-Infinity") == -std::numeric_limits<double>::infinity());
  JsonReader large{"9223372036854775807"}, larger{"9223372036854775808"}, real{"1.0"};
  large.next(), larger.next(), real.next();
  CHECK(large.integer() == std::numeric_limits<std::int64_t>::max());
  CHECK_FALSE(larger.integer());
  CHECK_FALSE(real.integer());
  CHECK_FALSE(error_of("NaN", {.bare_nan = false}).empty());
}

TEST_CASE("a number too large or small for a double is told apart by its value, not its spelling", "[json]") {
  CHECK(number("0." + std::string(400, '0') + "1") == 0);
  CHECK(number("1" + std::string(400, '0')) == std::numeric_limits<double>::infinity());
  CHECK(number("1" + std::string(400, '0') + "e-10") == std::numeric_limits<double>::infinity());
  CHECK(number("0." + std::string(400, '0') + "1e10") == 0);
}

TEST_CASE("escapes become characters", "[json]") {
  CHECK(string(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(string(R"("\u00e9\ud83d\ude00")") == "\xc3\xa9\xf0\x9f\x98\x80");
  CHECK(string(R"("\ud83dx")") == "\xef\xbf\xbdx");
  CHECK(string(R"("\ude00")") == "\xef\xbf\xbd");
  CHECK(string(R"("a\u0000b")") == std::string("a\0b", 3));
}

TEST_CASE("depth is bounded", "[json]") {
  CHECK(error_of(std::string(64, '[') + std::string(64, ']')).empty());
  CHECK(error_of(std::string(65, '[')).find("64") != std::string::npos);
  CHECK_FALSE(error_of(std::string(1'000'000, '[')).empty());
}

TEST_CASE("after an error the reader stays at its end", "[json]") {
  JsonReader reader{"[1, x, 2]"};
  reader.next(), reader.next();
  CHECK(reader.next() == Token::end);
  CHECK(reader.error_at() == 4);
  CHECK(reader.next() == Token::end);
}

TEST_CASE("doubles read back as they were", "[json][property]") {
  Rng rng{3, 1};
  for (int i = 0; i < 20'000; ++i) {
    double value;
    const std::uint64_t bits = rng.next();
    std::memcpy(&value, &bits, sizeof value);
    if (std::isfinite(value)) CHECK(number(written(value)) == value);
  }
  CHECK(written(std::nan("")) == "\"nan\"");
  CHECK(to_text(-std::numeric_limits<double>::infinity()) == "-inf");
}

TEST_CASE("any bytes are written as valid text and strings read back", "[json][property]") {
  Rng rng{3, 2};
  for (int i = 0; i < 2000; ++i) {
    std::string bytes, plain;
    for (auto n = rng.below(12); n > 0; --n)
      bytes += static_cast<char>(rng.below(256)), plain += static_cast<char>(rng.below(128));
    CHECK(error_of(written(std::string_view{bytes})).empty());
    CHECK(string(written(std::string_view{plain})) == plain);
  }
}

TEST_CASE("a tree knows its places and tells of keys given twice", "[json]") {
  std::vector<JsonFault> faults;
  const auto root = parse_json("{\"a\": [1, {\"b\": 2.5}], \"a\": 3, // c\n \"d\": null,}", 0,
                               [&](JsonFault f) { faults.push_back(std::move(f)); });
  REQUIRE(root);
  REQUIRE(faults.size() == 1);
  CHECK(faults[0].kind == JsonFault::Kind::duplicate);
  CHECK(faults[0].span.begin == 23);
  CHECK(to_json(*root) == R"({"a":[1,{"b":2.5}],"d":null})");
  CHECK(root->find("a")->span().end == 21);
}
