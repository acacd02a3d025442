// SPDX-License-Identifier: Apache-2.0
#include "tuner/expression.hpp"

#include <catch2/catch.hpp>

#include "tuner/rng.hpp"

using namespace tune;

namespace {

const Params kParams{{"a", std::int64_t{2}}, {"b", 0.0},     {"name", std::string{"sgd"}}, {"on", true},
                     {"opt.lr", 0.5},        {"off", false}, {"weight-decay", 0.25},       {"big", std::int64_t{100}}};

std::optional<bool> holds(std::string_view text) {
  const auto e = Expression::parse(text);
  INFO(text << ": " << (e ? "" : e.error().message));
  REQUIRE(e);
  return e->evaluate(kParams);
}

std::size_t error_at(std::string_view text) {
  std::size_t at = 999;
  REQUIRE_FALSE(Expression::parse(text, &at));
  return at;
}

}  // namespace

TEST_CASE("arithmetic has the usual precedence", "[expression]") {
  for (const char* text :
       {"1 + 2 * 3 == 7", "(1 + 2) * 3 == 9", "-2^2 == -4", "2^3^2 == 512", "2^-1 == 0.5", "7 % 4 == 3", "-7 % 4 == 1",
        "10 - 4 - 3 == 3", "8 / 4 / 2 == 1", "--1 == 1", "1e-3 == 0.001", "2*-3 == -6"})
    CHECK(holds(text) == true);
}

TEST_CASE("words and signs of logic mean the same", "[expression]") {
  for (const char* text :
       {"on and not off", "on && !off", "off or on", "off || on", "not off and on", "not (on and off)",
        "on or off and off", "true", "!false", "not a == 3", "a != 3 and !(a > 5)"})
    CHECK(holds(text) == true);
}

TEST_CASE("parameters are found by their names, dots and backquotes included", "[expression]") {
  CHECK(holds("opt.lr * 2 == 1") == true);
  CHECK(holds("`weight-decay` < opt.lr") == true);
  CHECK(holds("name == 'sgd' and name != \"adam\"") == true);
  CHECK(Expression::parse("b + a > `c-d` or a > 1")->names() == std::vector<std::string>{"a", "b", "c-d"});
}

TEST_CASE("functions compute", "[expression]") {
  for (const char* text : {"min(3, a, 4) == 2", "max(a, 5) == 5", "max(a) == 2", "abs(-3) == 3", "floor(2.7) == 2",
                           "ceil(2.1) == 3", "sqrt(16) == 4", "log(exp(1)) == 1", "exp(1000) > 1", "min (a, 1) == 1"})
    CHECK(holds(text) == true);
}

TEST_CASE("a constraint about an absent parameter is not judged", "[expression]") {
  CHECK(holds("absent > 1") == std::nullopt);
  CHECK(holds("on or absent > 1") == std::nullopt);
}

TEST_CASE("what cannot be computed does not hold, nor does its negation", "[expression]") {
  for (const char* text :
       {"1 / b > 0", "not (1 / b > 0)", "0 / 0 == 0", "1 % b < 5", "sqrt(-1) < 5", "log(0) < 5", "name < 3",
        "not (name < 3)", "name and on", "name", "a", "off or name", "1/b != 1", "(0-8)^0.5 != 1"})
    CHECK(holds(text) == false);
}

TEST_CASE("and and or stop where the left side decides", "[expression]") {
  CHECK(holds("b == 0 or a / b < 2") == true);
  CHECK(holds("b != 0 and a / b < 2") == false);
  CHECK(holds("off and name or on") == true);
}

TEST_CASE("a text and a number are different and have no order", "[expression]") {
  CHECK(holds("name == 3") == false);
  CHECK(holds("name != 3") == true);
}

TEST_CASE("errors point at the byte that is wrong", "[expression]") {
  CHECK(error_at("") == 0);
  CHECK(error_at("  ") == 0);
  CHECK(error_at("a +") == 3);
  CHECK(error_at("a < 1 < 2") == 6);
  CHECK(error_at("a = 1") == 2);
  CHECK(error_at("(a < 1") == 6);
  CHECK(error_at("a < 1)") == 5);
  CHECK(error_at("a < 'x") == 4);
  CHECK(error_at("pow(a, 2) < 1") == 0);
  CHECK(error_at("sqrt(a, 2) < 1") == 0);
  CHECK(error_at("a < 12x") == 6);
  CHECK(error_at("a ; b") == 2);
  CHECK(error_at("a < 1e999") == 4);
}

TEST_CASE("an expression that is no yes or no is refused when it is read", "[expression]") {
  CHECK_FALSE(Expression::parse("a + 1"));
  CHECK_FALSE(Expression::parse("'text'"));
  CHECK_FALSE(Expression::parse("1 + 'text' > 2"));
  CHECK_FALSE(Expression::parse("a > 1 and 3"));
  CHECK_FALSE(Expression::parse("not 3"));
}

TEST_CASE("nesting is bounded in every way to nest", "[expression]") {
  const auto times = [](const char* s, int n) {
    std::string out;
    while (n-- > 0) out += s;
    return out;
  };
  for (const char* open : {"(", "-", "not ", "!", "2^", "min("})
    CHECK_FALSE(Expression::parse(times(open, 100'00) + "1"));
  CHECK(Expression::parse(times("(", 60) + "a < 1" + times(")", 60)));
  // A long chain is not deep.
  CHECK(holds("1" + times(" + 1", 5000) + " == 5001") == true);
  CHECK(holds("on" + times(" and on", 5000)) == true);
  CHECK_FALSE(Expression::parse(times("a+", 40'000)));
}

TEST_CASE("any bytes are read without harm", "[expression][property]") {
  static constexpr std::string_view alphabet = "ab12.()+-*/%^<>=!&|,'\"` \n\xff\x80notandorminmaxtrue";
  Rng rng{1, 2};
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (auto n = rng.below(24); n > 0; --n) text += alphabet[rng.below(alphabet.size())];
    std::size_t at = 0;
    const auto e = Expression::parse(text, &at);
    CHECK(at <= text.size());
    if (e) e->evaluate(kParams);
  }
}
