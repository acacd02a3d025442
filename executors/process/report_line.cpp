// SPDX-License-Identifier: Apache-2.0
#include "executors/process/report_line.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/json.hpp"
#include "tuner/utf8.hpp"

namespace tune {
namespace {

using Token = JsonReader::Token;

constexpr std::size_t kLongestName = 256;

std::optional<double> special(std::string_view text) {
  constexpr double inf = std::numeric_limits<double>::infinity();
  if (text == "nan" || text == "NaN") return std::nan("");
  if (text == "inf" || text == "Infinity" || text == "+inf") return inf;
  if (text == "-inf" || text == "-Infinity") return -inf;
  return std::nullopt;
}

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const std::size_t n = static_cast<unsigned char>(text[i]) < 0x80 ? 1 : utf8_length(text.substr(i));
    if (n == 0) return false;
    i += n;
  }
  return true;
}

}  // namespace

// One line being read.
class ReportLineReader::Reading {
 public:
  Reading(ReportLineReader& owner, std::string_view line, ReportLine& out)
      : owner_(owner), json_(line), out_(out), known_(owner.names_.get()) {}

  bool run() {
    if (json_.next() != Token::object) return fail("a report is one JSON object a line");
    if (!object(true)) return false;
    if (json_.next() != Token::end || json_.failed()) return fail("");
    if (fresh_)
      owner_.names_ = std::make_shared<const std::vector<std::string>>(std::move(names_));
    else if (known_ && out_.metrics.values.size() != known_->size())
      owner_.names_ = std::make_shared<const std::vector<std::string>>(
          known_->begin(), known_->begin() + static_cast<std::ptrdiff_t>(out_.metrics.values.size()));
    if (!out_.metrics.values.empty()) out_.metrics.names = owner_.names_;
    return true;
  }

 private:
  bool fail(std::string why) {
    owner_.error_ = json_.failed() ? json_.error() + " at byte " + std::to_string(json_.error_at()) : std::move(why);
    return false;
  }

  // Members up to the closing brace. Reserved keys mean something at the top only.
  bool object(bool top) {
    for (;;) {
      switch (json_.next()) {
        case Token::object_end: return true;
        case Token::key: break;
        default: return fail("expected a key");
      }
      if (top ? !member() : !metric(json_.text())) return false;
    }
  }

  bool member() {
    const std::string_view key = json_.text();
    if (key == owner_.step_key_) return step();
    // The reserved keys by their first letter: nearly every key is a metric, and is told so by one comparison.
    switch (key.empty() ? '\0' : key.front()) {
      case 's':
        if (key == "sync") return flag(out_.sync);
        if (key == "seq") return integer(out_.seq, "seq");
        break;
      case 'c':
        if (key == "checkpoint") return text(out_.checkpoint);
        if (key == "constraints") return constraints();
        if (key == "caps") return caps();
        if (key == "cost") {
          const auto value = number();
          if (value) out_.cost = *value;
          return !json_.failed() || fail("");
        }
        break;
      case 'f':
        if (key == "final") return flag(out_.final);
        break;
      case 'e':
        if (key == "event") return text(out_.event);
        break;
      case 'm':
        if (key == "msg") return text(out_.message);
        if (key == "metrics") {
          if (json_.next() != Token::object) return fail("`metrics` is an object of numbers");
          return object(false);
        }
        break;
      case 't':
        if (key == "t") return json_.skip(), !json_.failed() || fail("");
        break;
      default: break;
    }
    return metric(key);
  }

  bool metric(std::string_view key) {
    // The key's text is gone once the value is read, so the name is settled first; it is taken back if this is no number.
    const std::size_t i = out_.metrics.values.size();
    if (!fresh_ && known_ && i < known_->size() && (*known_)[i] == key) {
      const auto value = number();
      if (value) out_.metrics.values.push_back(*value);
      return !json_.failed() || fail("");
    }
    if (key.empty() || key.size() > kLongestName) return fail("a metric's name has 1 to 256 bytes");
    if (!is_utf8(key)) return fail("a metric's name is not UTF-8");
    if (!fresh_) {
      fresh_ = true;
      if (known_) names_.assign(known_->begin(), known_->begin() + static_cast<std::ptrdiff_t>(i));
    }
    const std::string name{key};
    const auto value = number();
    if (json_.failed()) return fail("");
    if (!value) return true;
    const auto twin = std::find(names_.begin(), names_.end(), name);
    if (twin != names_.end()) {
      out_.metrics.values[static_cast<std::size_t>(twin - names_.begin())] = *value;
      return true;
    }
    if (names_.size() >= kMostMetrics) return fail("more than 1,000 metrics in one report");
    names_.push_back(name);
    out_.metrics.values.push_back(*value);
    return true;
  }

  // A number in any of its spellings; nullopt (and the value skipped) if it is something else, which is ignored.
  std::optional<double> number() {
    switch (json_.next()) {
      case Token::number: return json_.number();
      case Token::null: return std::nan("");  // JavaScript writes NaN so.
      case Token::string: return special(json_.text());
      case Token::object:
      case Token::array: leave(); return std::nullopt;
      default: return std::nullopt;
    }
  }
  void leave() {  // Out of the value whose opening token was just read.
    for (int depth = 1; depth > 0;) {
      switch (json_.next()) {
        case Token::object:
        case Token::array: ++depth; break;
        case Token::object_end:
        case Token::array_end: --depth; break;
        case Token::end: return;
        default: break;
      }
    }
  }

  bool step() {
    if (json_.next() != Token::number) return fail("`" + owner_.step_key_ + "` is a whole number");
    const auto whole = json_.integer();
    const double value = json_.number();
    if (whole)
      out_.step = whole;
    else if (value >= 0 && value < 9e15 && value == std::floor(value))
      out_.step = static_cast<std::int64_t>(value);
    else
      return fail("`" + owner_.step_key_ + "` is a whole number");
    return *out_.step >= 0 || fail("`" + owner_.step_key_ + "` is below 0");
  }
  bool integer(std::optional<std::int64_t>& to, const char* name) {
    if (json_.next() != Token::number || !json_.integer()) return fail("`" + std::string{name} + "` is a whole number");
    to = json_.integer();
    return true;
  }
  bool flag(bool& to) {
    switch (json_.next()) {
      case Token::boolean: return to = json_.boolean(), true;
      case Token::number: return to = json_.number() != 0, true;  // printf("%d", flag)
      default: return fail("`sync` and `final` are true or false");
    }
  }
  bool text(std::string& to) {
    if (json_.next() != Token::string) return fail("`checkpoint`, `event` and `msg` are texts");
    return to = json_.text(), true;
  }
  bool caps() {
    if (json_.next() != Token::array) return fail("`caps` is a list of texts");
    for (;;) {
      const auto token = json_.next();
      if (token == Token::array_end) return true;
      if (token != Token::string) return fail("`caps` is a list of texts");
      out_.caps.emplace_back(json_.text());
    }
  }
  bool constraints() {
    if (json_.next() != Token::array) return fail("`constraints` is a list of numbers");
    for (;;) {
      const auto token = json_.next();
      if (token == Token::array_end) return true;
      if (token == Token::number) {
        out_.constraints.push_back(json_.number());
      } else if (const auto value = token == Token::string ? special(json_.text()) : std::nullopt) {
        out_.constraints.push_back(*value);
      } else {
        return fail("`constraints` is a list of numbers");
      }
    }
  }

  static constexpr std::size_t kMostMetrics = 1000;
  ReportLineReader& owner_;
  JsonReader json_;
  ReportLine& out_;
  const std::vector<std::string>* known_;  // The names of the last report, followed as long as they match.
  std::vector<std::string> names_;         // Those of this one, once they differ.
  bool fresh_ = false;
};

bool ReportLineReader::read(std::string_view line, ReportLine& out) {
  out = ReportLine{};
  if (names_) out.metrics.values.reserve(names_->size());
  return Reading(*this, line, out).run();
}

}  // namespace tune
