// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/chart.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune::plot;

namespace {

std::string texts(const Axis& axis, std::size_t most) {
  std::string out;
  for (const auto& tick : ticks(axis, most)) out += (out.empty() ? "" : " ") + tick.text;
  return out;
}

Chart diagonal() {
  Chart chart;
  chart.title = "t", chart.x = {"x", 0, 1, false, false, {}}, chart.y = {"y", 0, 1, false, false, {}};
  chart.series.push_back({"up", Tone::best, Series::Mark::line, {0, 1}, {0, 1}});
  return chart;
}

}  // namespace

TEST_CASE("ticks stand at round values, a few of them", "[chart]") {
  CHECK(texts({"", 0, 1, false, false, {}}, 5) == "0 0.2 0.4 0.6 0.8 1");
  CHECK(texts({"", -1.3, 98, false, false, {}}, 5) == "0 20 40 60 80");
  CHECK(texts({"", 1e-4, 1, true, false, {}}, 5) == "0.0001 0.001 0.01 0.1 1");
  CHECK(texts({"", 0.9, 45, true, false, {}}, 8) == "1 2 5 10 20");
  CHECK(texts({"", 1e-12, 1e12, true, false, {}}, 5) == "1e-10 1e-05 1 100000 1e+10");
  CHECK(texts({"", 0.9, 3.1, false, true, {}}, 5) == "1 2 3");
  CHECK(texts({"", -0.4, 1.4, false, false, {"adam", "sgd"}}, 9) == "adam sgd");
}

TEST_CASE("an axis holds every finite value, whatever they are", "[chart]") {
  const double big = 1.7e308;
  using Values = std::vector<double>;
  const Values given = GENERATE_COPY(values<Values>({Values{}, Values{NAN}, Values{3}, Values{0}, Values{-2, 5, INFINITY}, Values{big, big / 2}, Values{-big, big}, Values{big}, Values{1e-320, 1}}));
  for (const bool logarithmic : {false, true}) {
    const Axis axis = axis_over("a", given, logarithmic);
    REQUIRE(axis.min < axis.max);
    for (const double v : given)
      if (std::isfinite(v) && (!logarithmic || v > 0)) CHECK_FALSE(std::isnan(axis.place(v)));
    CHECK(ticks(axis, 5).size() <= 20);
  }
}

TEST_CASE("what has no place on an axis is left out", "[chart]") {
  const Axis axis{"", 1, 10, true, false, {}};
  CHECK(axis.place(1) == 0);
  CHECK(axis.place(10) == 1);
  for (const double v : {0.5, 11.0, 0.0, -1.0, std::nan(""), HUGE_VAL}) CHECK(std::isnan(axis.place(v)));
}

TEST_CASE("a line rises over the terminal from corner to corner", "[chart]") {
  const auto text = on_terminal(diagonal(), 30, 8, false);
  std::vector<std::string> lines(1);
  for (const char c : text)
    if (c == '\n')
      lines.emplace_back();
    else
      lines.back().push_back(c);
  REQUIRE(lines.size() == 9);
  CHECK(lines[0] == " t");
  CHECK(lines[1] == " y  ─ up");
  CHECK(lines[2].ends_with("⢀⣀⠤⠔⠒⠉"));
  CHECK(lines[5] == "   0┤⣀⠤⠔⠒⠉⠁                  ");
  CHECK(text.find('\x1b') == std::string::npos);
  CHECK(on_terminal(diagonal(), 30, 8, true).find("\x1b[36m") != std::string::npos);
}

TEST_CASE("an SVG holds what users wrote as text only", "[chart]") {
  Chart chart = diagonal();
  chart.title = "<script>alert(1)</script>", chart.x.label = "a\"b&c";
  for (const auto& svg : {as_svg("<i>", {chart}, 1), as_svg(Parallel{"<i>", "", {chart.x, chart.y}, {{Tone::best, {0.5, NAN}}}})}) {
    CHECK(svg.starts_with("<svg xmlns="));
    CHECK(svg.find("<script") == std::string::npos);
    CHECK(svg.find("<i>") == std::string::npos);
    CHECK(svg.find("a&quot;b&amp;c") != std::string::npos);
    CHECK(svg.find("NaN") == std::string::npos);
    CHECK(svg.find("nan") == std::string::npos);
  }
}
