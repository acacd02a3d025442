// SPDX-License-Identifier: Apache-2.0
#include "ui/view/text.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune;

TEST_CASE("durations have two units at most and never carry into a 60th second", "[cli]") {
  const auto [seconds, text] = GENERATE(table<double, const char*>({{0, "0ms"},
                                                                    {0.0123, "12ms"},
                                                                    {0.9999, "1.0s"},
                                                                    {4.24, "4.2s"},
                                                                    {59.99, "1m00s"},
                                                                    {65, "1m05s"},
                                                                    {3599.6, "1h00m"},
                                                                    {8000, "2h13m"},
                                                                    {90000, "1d01h"},
                                                                    {-1, "-"},
                                                                    {NAN, "-"}}));
  CHECK(duration_text(seconds) == text);
}

TEST_CASE("numbers are shown with six digits, whatever their size", "[cli]") {
  const auto [number, text] = GENERATE(table<double, const char*>(
      {{0.1 + 0.2, "0.3"}, {124, "124"}, {1.5e-7, "1.5e-07"}, {NAN, "nan"}, {-INFINITY, "-inf"}}));
  CHECK(number_text(number) == text);
}

TEST_CASE("a sparkline spans the values that are finite and thins what is too long", "[cli]") {
  const double rising[] = {0, 1, 2, 3, 4, 5, 6, 7};
  CHECK(sparkline(rising, 8) == "▁▂▃▄▅▆▇█");
  CHECK(display_width(sparkline(rising, 4)) == 4);
  const double broken[] = {0, NAN, 1};
  CHECK(sparkline(broken, 8) == "▁·█");
  const double flat[] = {2, 2};
  CHECK(sparkline(flat, 8) == "▅▅");
  CHECK(sparkline({}, 8).empty());
}

TEST_CASE("a bar is as wide as it was asked to be", "[cli]") {
  const double fraction = GENERATE(-1.0, 0.0, 0.01, 0.33, 0.999, 1.0, 7.0, NAN);
  CHECK(display_width(bar_text(fraction, 20)) == 20);
}

TEST_CASE("text is cut and padded by columns, not by bytes", "[cli]") {
  CHECK(display_width("漢字") == 4);
  CHECK(fit("漢字漢字", 5) == "漢字…");
  CHECK(fit("abc", 3) == "abc");
  CHECK(fit("abcd", 3) == "ab…");
  CHECK(pad("é", 3) == "é  ");
  CHECK(pad("7", 3, true) == "  7");
  CHECK(display_width(paint(Style::red, "ab", true)) == 2);
}

TEST_CASE("arguments are quoted only where a shell would not read them back", "[cli]") {
  CHECK(shell_quoted("--lr=0.1") == "--lr=0.1");
  CHECK(shell_quoted("") == "''");
  CHECK(shell_quoted("it's $HOME") == "'it'\\''s $HOME'");
}
