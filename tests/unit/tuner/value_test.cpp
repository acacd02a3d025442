// SPDX-License-Identifier: Apache-2.0
#include "tuner/value.hpp"

#include <array>
#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "tuner/nearest.hpp"
#include "tuner/rng.hpp"
#include "tuner/units.hpp"
#include "tuner/utf8.hpp"

using namespace tune;

TEST_CASE("values are the shortest text that reads back", "[value]") {
  CHECK(to_text(Value{true}) == "true");
  CHECK(to_text(Value{std::int64_t{-3}}) == "-3");
  CHECK(to_text(Value{0.1}) == "0.1");
  CHECK(to_text(Value{1.0}) == "1");
  CHECK(to_json(Value{1.0}) == "1.0");
  CHECK(to_json(Value{1e300}) == "1e+300");
  CHECK(to_json(Value{std::int64_t{1}}) == "1");
  CHECK(to_json(Value{std::string{"a\"b"}}) == R"("a\"b")");
}

TEST_CASE("an integer and a double are different values with equal numbers", "[value]") {
  CHECK(Value{std::int64_t{1}} != Value{1.0});
  CHECK(to_number(Value{std::int64_t{1}}) == to_number(Value{1.0}));
  CHECK(to_number(Value{true}) == 1);
  CHECK_FALSE(to_number(Value{std::string{"1"}}));
}

TEST_CASE("parameters behave like a map ordered by name", "[value][property]") {
  Rng rng{5, 1};
  Params params;
  std::map<std::string, Value> map;
  for (int i = 0; i < 5000; ++i) {
    const std::string name(1 + rng.below(2), static_cast<char>('a' + rng.below(6)));
    if (rng.below(3) == 0) {
      params.erase(name), map.erase(name);
    } else {
      params.set(name, static_cast<std::int64_t>(i)), map[name] = static_cast<std::int64_t>(i);
    }
    REQUIRE(params.size() == map.size());
    REQUIRE(std::equal(params.begin(), params.end(), map.begin(),
                       [](const auto& a, const auto& b) { return a.first == b.first && a.second == b.second; }));
    REQUIRE(params.contains(name) == map.contains(name));
  }
}

TEST_CASE("metrics are equal by content, NaN included", "[value]") {
  const Metrics a{{"loss", NAN}, {"acc", 0.5}}, b{{"loss", NAN}, {"acc", 0.5}}, c{{"loss", NAN}, {"acc", 0.6}};
  CHECK(a == b);
  CHECK_FALSE(a == c);
  CHECK(a.find("acc") == 0.5);
  CHECK_FALSE(a.find("x"));
  CHECK(Metrics{} == Metrics{});
}

TEST_CASE("printable text cannot steer a terminal", "[value]") {
  CHECK(printable("plain \xc3\xa9 \xe2\x82\xac") == "plain \xc3\xa9 \xe2\x82\xac");
  CHECK(printable("\x1b[31m\n\x7f") == "\\x1b[31m\\x0a\\x7f");
  CHECK(printable("\xff\xc3") == "\\xff\\xc3");
  CHECK(printable("\xc2\x9b") == "\\xc2\\x9b");
  CHECK(printable("\xe2\x80\xae") == "\\xe2\\x80\\xae");
  CHECK(printable(std::string_view("a\0b", 3)) == "a\\x00b");
}

TEST_CASE("UTF-8 is checked to the letter of the standard", "[utf8]") {
  for (const char* good : {"a", "\xc2\x80", "\xdf\xbf", "\xe0\xa0\x80", "\xed\x9f\xbf", "\xef\xbf\xbf",
                           "\xf0\x90\x80\x80", "\xf4\x8f\xbf\xbf"})
    CHECK(utf8_length(good) == std::string_view{good}.size());
  for (const char* bad : {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
                          "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe2\x82", "\xc3"})
    CHECK(utf8_length(bad) == 0);
  CHECK(utf8_length("") == 0);
}

TEST_CASE("every code point is written as UTF-8 that is well formed", "[utf8]") {
  for (char32_t c = 0; c < 0x110000; c += c < 0x3000 ? 1 : 97) {
    if (c >= 0xd800 && c < 0xe000) continue;
    std::string text;
    append_utf8(text, c);
    REQUIRE(utf8_length(text) == text.size());
  }
}

TEST_CASE("a stream is fixed by seed and name, and streams are independent", "[rng]") {
  Rng a{1, Purpose::propose, 5}, b{1, Purpose::propose, 5}, other_trial{1, Purpose::propose, 6},
      other_purpose{1, Purpose::seed, 5}, other_step{1, Purpose::propose, 5, 1};
  const auto first = a.next();
  CHECK(first == b.next());
  CHECK(first != other_trial.next());
  CHECK(first != other_purpose.next());
  CHECK(first != other_step.next());
}

TEST_CASE("uniform numbers fill [0, 1) evenly and below stays below", "[rng]") {
  Rng rng{9, 1};
  std::array<int, 10> bins{};
  for (int i = 0; i < 100'000; ++i) ++bins[static_cast<std::size_t>(rng.uniform() * 10)];
  for (const int n : bins) CHECK(std::abs(n - 10'000) < 500);
  std::array<int, 3> thirds{};
  for (int i = 0; i < 30'000; ++i) ++thirds.at(rng.below(3));
  for (const int n : thirds) CHECK(std::abs(n - 10'000) < 500);
  CHECK(rng.below(1) == 0);
}

TEST_CASE("the normal quantile inverts the distribution function", "[rng]") {
  for (const double p : {1e-300, 1e-20, 1e-9, 0.001, 0.02425, 0.3, 0.5, 0.7, 0.97575, 0.999, 1 - 1e-9}) {
    const double x = normal_quantile(p);
    CHECK(0.5 * std::erfc(-x / std::sqrt(2.0)) == Approx(p).epsilon(1e-12));
  }
  CHECK(normal_quantile(0.975) == Approx(1.959963984540054).epsilon(1e-14));
  CHECK(normal_quantile(0) == -std::numeric_limits<double>::infinity());
  CHECK(normal_quantile(1) == std::numeric_limits<double>::infinity());
  CHECK(std::isnan(normal_quantile(-0.1)));
}

TEST_CASE("durations are read and written without loss", "[units]") {
  CHECK(parse_duration("90s")->seconds == 90);
  CHECK(parse_duration("1h30m")->seconds == 5400);
  CHECK(parse_duration("250ms")->seconds == 0.25);
  CHECK(parse_duration("1.5d")->seconds == 129600);
  for (const char* bad : {"", "90", "s", "-1s", "1e3s", "1 h", "1.s", ".5s", "1x", "1h30", "999999999d", "1sm"})
    CHECK_FALSE(parse_duration(bad));
  Rng rng{6, 1};
  for (int i = 0; i < 5000; ++i) {
    const Duration d{i % 2 ? rng.uniform() * 1e6 : std::floor(rng.uniform() * 1e8)};
    REQUIRE(parse_duration(to_text(d)) == d);
  }
  CHECK(to_text(Duration{5400}) == "1h30m");
  CHECK(to_text(Duration{0}) == "0s");
}

TEST_CASE("sizes are powers of 1024", "[units]") {
  CHECK(parse_bytes("1.5GiB") == 1610612736);
  CHECK(parse_bytes("512B") == 512);
  for (const char* bad : {"", "1", "1GB", "1KiBx", "-1B", "99999999999TiB"}) CHECK_FALSE(parse_bytes(bad));
  for (const std::int64_t n : {0LL, 1LL, 1024LL, 65536LL, 1610612736LL, 1LL << 40, 12345LL})
    CHECK(parse_bytes(bytes_text(n)) == n);
}

TEST_CASE("the nearest name is found only where one is near", "[nearest]") {
  const std::vector<std::string> names{"scheduler", "search", "stop", "seed"};
  CHECK(nearest("sheduler", names) == "scheduler");
  CHECK(nearest("saerch", names) == "search");
  CHECK(nearest("sotp", names) == "stop");
  CHECK(nearest("colour", names).empty());
  CHECK(nearest(std::string(10'000, 'a'), names).empty());
}
