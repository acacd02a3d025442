// SPDX-License-Identifier: Apache-2.0
#include "tuner/json.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "tuner/utf8.hpp"

namespace tune {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The power of ten of a number's first digit that is not 0, for one that is too large or too small for a double.
double magnitude(std::string_view number) {
  const auto mark = std::min(number.find_first_of("eE"), number.size());
  const auto digits = number.substr(0, mark);
  const auto first = digits.find_first_of("123456789"), point = std::min(digits.find('.'), mark);
  if (first == std::string_view::npos) return 0;
  const double power = first < point ? static_cast<double>(point - first) - 1 : -static_cast<double>(first - point);
  double exponent = 0;
  auto written = number.substr(std::min(mark + 1, number.size()));
  const bool negative = written.starts_with('-');
  if (negative || written.starts_with('+')) written.remove_prefix(1);
  for (const char c : written) exponent = exponent * 10 + (c - '0');  // Infinite at worst.
  return power + (negative ? -exponent : exponent);
}

}  // namespace

JsonReader::JsonReader(std::string_view text, Dialect dialect) : in_(text), dialect_(dialect) {}

JsonReader::Token JsonReader::fail(std::string what, std::size_t at) {
  if (error_.empty()) error_ = std::move(what), error_at_ = at;
  expect_ = Expect::done;
  return Token::end;
}

// Skips white space and, in the dialect that has them, comments. False (with the error set) on a comment that never ends.
bool JsonReader::blank() {
  for (;;) {
    while (at_ < in_.size() && is_blank(in_[at_])) ++at_;
    if (!dialect_.comments || at_ + 1 >= in_.size() || in_[at_] != '/') return true;
    if (in_[at_ + 1] == '/') {
      while (at_ < in_.size() && in_[at_] != '\n') ++at_;
    } else if (in_[at_ + 1] == '*') {
      const auto end = in_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return fail("this comment has no end", at_), false;
      at_ = end + 2;
    } else {
      return true;
    }
  }
}

JsonReader::Token JsonReader::next() {
  if (failed()) return Token::end;
  if (!blank()) return Token::end;
  const char c = at_ < in_.size() ? in_[at_] : '\0';
  const bool ended = at_ >= in_.size();
  switch (expect_) {
    case Expect::done:
      if (!ended) return fail("there is text after the end of the value", at_);
      token_begin_ = token_end_ = at_;
      return Token::end;
    case Expect::comma_or_end:
      if (c == ',' && !ended) {
        ++at_;
        expect_ = open_.back() == '{' ? (dialect_.trailing_commas ? Expect::key_or_end : Expect::key)
                                      : (dialect_.trailing_commas ? Expect::value_or_end : Expect::value);
        return next();
      }
      if (c == (open_.back() == '{' ? '}' : ']') && !ended) return close(c);
      return fail(open_.back() == '{' ? "expected ',' or '}'" : "expected ',' or ']'", at_);
    case Expect::key_or_end:
      if (c == '}' && !ended) return close(c);
      [[fallthrough]];
    case Expect::key:
      if (c != '"' || ended) return fail("expected a key in double quotes", at_);
      if (!read_string()) return Token::end;
      expect_ = Expect::colon_value;
      return Token::key;
    case Expect::colon_value:
      if (c != ':' || ended) return fail("expected ':'", at_);
      ++at_;
      if (!blank()) return Token::end;
      if (at_ >= in_.size()) return fail("expected a value", at_);
      return value(in_[at_]);
    case Expect::value_or_end:
      if (c == ']' && !ended) return close(c);
      [[fallthrough]];
    case Expect::value:
      if (ended) return fail("expected a value", at_);
      return value(c);
  }
  return Token::end;
}

JsonReader::Token JsonReader::close(char) {
  token_begin_ = at_++;
  token_end_ = at_;
  const char opened = open_.back();
  open_.pop_back();
  expect_ = open_.empty() ? Expect::done : Expect::comma_or_end;
  return opened == '{' ? Token::object_end : Token::array_end;
}

bool JsonReader::word(std::string_view w) {
  if (in_.substr(at_, w.size()) != w) return false;
  token_begin_ = at_;
  token_end_ = at_ += w.size();
  return true;
}

JsonReader::Token JsonReader::value(char c) {
  const auto after = open_.empty() ? Expect::done : Expect::comma_or_end;
  if (c == '{' || c == '[') {
    if (static_cast<int>(open_.size()) >= dialect_.depth)
      return fail("nested deeper than " + std::to_string(dialect_.depth) + " levels", at_);
    token_begin_ = at_++;
    token_end_ = at_;
    open_.push_back(c);
    expect_ = c == '{' ? Expect::key_or_end : Expect::value_or_end;
    return c == '{' ? Token::object : Token::array;
  }
  expect_ = after;
  if (c == '"') return read_string() ? Token::string : Token::end;
  if (is_digit(c) || c == '-') return read_number() ? Token::number : Token::end;
  if (word("true")) return boolean_ = true, Token::boolean;
  if (word("false")) return boolean_ = false, Token::boolean;
  if (word("null")) return Token::null;
  if (dialect_.bare_nan) {
    integer_.reset();
    if (word("NaN")) return number_ = std::numeric_limits<double>::quiet_NaN(), Token::number;
    if (word("Infinity")) return number_ = std::numeric_limits<double>::infinity(), Token::number;
  }
  return fail("expected a value", at_);
}

bool JsonReader::read_string() {
  token_begin_ = at_;
  const std::size_t first = ++at_;
  bool escaped = false;
  for (;; ++at_) {
    if (at_ >= in_.size()) return fail("this string has no end", token_begin_), false;
    const auto c = static_cast<unsigned char>(in_[at_]);
    if (c == '"') break;
    if (c < 0x20) return fail("a control character stands in a string; write it as an escape", at_), false;
    if (c == '\\') {
      escaped = true;
      if (++at_ >= in_.size()) return fail("this string has no end", token_begin_), false;
    }
  }
  text_ = in_.substr(first, at_ - first);
  token_end_ = ++at_;
  if (!escaped) return true;

  const std::string_view raw = text_;
  buffer_.clear();
  auto hex4 = [&](std::size_t i) -> int {
    unsigned v = 0;
    if (i + 4 > raw.size()) return -1;
    const auto [end, ec] = std::from_chars(raw.data() + i, raw.data() + i + 4, v, 16);
    return ec == std::errc{} && end == raw.data() + i + 4 ? static_cast<int>(v) : -1;
  };
  for (std::size_t i = 0; i < raw.size(); ++i) {
    if (raw[i] != '\\') {
      buffer_ += raw[i];
      continue;
    }
    switch (raw[++i]) {
      case '"': buffer_ += '"'; break;
      case '\\': buffer_ += '\\'; break;
      case '/': buffer_ += '/'; break;
      case 'b': buffer_ += '\b'; break;
      case 'f': buffer_ += '\f'; break;
      case 'n': buffer_ += '\n'; break;
      case 'r': buffer_ += '\r'; break;
      case 't': buffer_ += '\t'; break;
      case 'u': {
        int code = hex4(i + 1);
        if (code < 0) return fail("\\u wants four hexadecimal digits", first + i - 1), false;
        i += 4;
        if (code >= 0xd800 && code < 0xdc00 && raw.substr(i + 1, 2) == "\\u") {
          const int low = hex4(i + 3);
          if (low >= 0xdc00 && low < 0xe000) code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00), i += 6;
        }
        append_utf8(buffer_, static_cast<char32_t>(code >= 0xd800 && code < 0xe000 ? 0xfffd : code));
        break;
      }
      default: return fail("unknown escape in a string", first + i - 1), false;
    }
  }
  text_ = buffer_;
  return true;
}

bool JsonReader::read_number() {
  token_begin_ = at_;
  if (dialect_.bare_nan && word("-Infinity"))
    return number_ = -std::numeric_limits<double>::infinity(), integer_.reset(), true;
  std::size_t p = at_ + (in_[at_] == '-');
  const std::size_t digits = p;
  while (p < in_.size() && is_digit(in_[p])) ++p;
  if (p == digits) return fail("expected a digit", p), false;
  if (in_[digits] == '0' && p > digits + 1) return fail("a number does not start with 0", at_), false;
  bool whole = true;
  if (p < in_.size() && in_[p] == '.') {
    whole = false;
    const std::size_t fraction = ++p;
    while (p < in_.size() && is_digit(in_[p])) ++p;
    if (p == fraction) return fail("expected a digit after '.'", p), false;
  }
  if (p < in_.size() && (in_[p] == 'e' || in_[p] == 'E')) {
    whole = false;
    ++p;
    if (p < in_.size() && (in_[p] == '+' || in_[p] == '-')) ++p;
    const std::size_t exponent = p;
    while (p < in_.size() && is_digit(in_[p])) ++p;
    if (p == exponent) return fail("expected a digit in the exponent", p), false;
  }
  const char* b = in_.data() + at_;
  const char* e = in_.data() + p;
  integer_.reset();
  if (whole) {
    std::int64_t i = 0;
    if (std::from_chars(b, e, i).ec == std::errc{}) integer_ = i;
  }
  if (integer_ && !(*integer_ == 0 && *b == '-')) {
    number_ = static_cast<double>(*integer_);
  } else if (std::from_chars(b, e, number_).ec == std::errc::result_out_of_range) {
    // from_chars leaves the number alone on overflow and underflow: 1e999 is infinite, 1e-999 zero.
    number_ = magnitude(in_.substr(at_, p - at_)) > 0 ? std::numeric_limits<double>::infinity() : 0.0;
    if (*b == '-') number_ = -number_;
  }
  token_end_ = at_ = p;
  return true;
}

void JsonReader::skip() {
  int depth = 0;
  do {
    switch (next()) {
      case Token::object:
      case Token::array: ++depth; break;
      case Token::object_end:
      case Token::array_end: --depth; break;
      case Token::end: return;
      default: break;
    }
  } while (depth > 0 || expect_ == Expect::colon_value);
}

JsonWriter& JsonWriter::key(std::string_view name) {
  value(name);
  out_ += ':';
  fresh_ = true;
  return *this;
}

JsonWriter& JsonWriter::value(std::string_view text) {
  comma();
  out_ += '"';
  std::size_t plain = 0;
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i]);
    if (c >= 0x20 && c < 0x7f && c != '"' && c != '\\') {
      ++i;
      continue;
    }
    out_.append(text, plain, i - plain);
    if (c >= 0x80) {
      const std::size_t length = utf8_length(text.substr(i));
      if (length == 0)
        out_ += "\xef\xbf\xbd", ++i;
      else
        out_.append(text, i, length), i += length;
    } else {
      static constexpr char hex[] = "0123456789abcdef";
      switch (c) {
        case '"': out_ += "\\\""; break;
        case '\\': out_ += "\\\\"; break;
        case '\n': out_ += "\\n"; break;
        case '\r': out_ += "\\r"; break;
        case '\t': out_ += "\\t"; break;
        default: out_ += "\\u00", out_ += hex[c >> 4], out_ += hex[c & 15];
      }
      ++i;
    }
    plain = i;
  }
  out_.append(text, plain, text.size() - plain);
  out_ += '"';
  return *this;
}

JsonWriter& JsonWriter::value(double number) {
  if (!std::isfinite(number)) return value(std::string_view{to_text(number)});
  comma();
  char digits[40];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  out_.append(digits, end);
  return *this;
}

JsonWriter& JsonWriter::value(std::int64_t number) {
  comma();
  char digits[24];
  out_.append(digits, std::to_chars(digits, digits + sizeof digits, number).ptr);
  return *this;
}

JsonWriter& JsonWriter::value(bool b) {
  comma();
  out_ += b ? "true" : "false";
  return *this;
}

JsonWriter& JsonWriter::null() {
  comma();
  out_ += "null";
  return *this;
}

JsonWriter& JsonWriter::raw(std::string_view json) {
  comma();
  out_ += json;
  return *this;
}

std::string to_text(double number) {
  if (std::isnan(number)) return "nan";
  if (std::isinf(number)) return number > 0 ? "inf" : "-inf";
  char digits[40];
  return {digits, std::to_chars(digits, digits + sizeof digits, number).ptr};
}

}  // namespace tune
