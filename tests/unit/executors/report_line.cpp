// SPDX-License-Identifier: Apache-2.0
#include "executors/process/report_line.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using tune::LineCutter;
using tune::ReportLine;
using tune::ReportLineReader;

namespace {
ReportLine read(std::string_view text) {
  ReportLineReader reader;
  ReportLine line;
  INFO(text << ": " << reader.error());
  REQUIRE(reader.read(text, line));
  return line;
}
std::string error(std::string_view text) {
  ReportLineReader reader;
  ReportLine line;
  CHECK_FALSE(reader.read(text, line));
  return reader.error();
}
}  // namespace

TEST_CASE("a report has a step, metrics and flags", "[report]") {
  const auto line = read(R"({"step":3,"loss":0.41,"acc":0.9,"sync":true,"final":true,"cost":2.5,"t":17.5})");
  CHECK(line.step == 3);
  CHECK(line.metrics == tune::Metrics{{"loss", 0.41}, {"acc", 0.9}});
  CHECK((line.sync && line.final && line.is_report()));
  CHECK(line.cost == 2.5);
}

TEST_CASE("not-a-numbers arrive in every spelling", "[report]") {
  const auto line = read(R"({"a":NaN,"b":"nan","c":Infinity,"d":"-inf","e":-Infinity,"f":null,"g":"inf"})");
  REQUIRE(line.metrics.size() == 7);
  CHECK((std::isnan(*line.metrics.find("a")) && std::isnan(*line.metrics.find("b")) && std::isnan(*line.metrics.find("f"))));
  CHECK((line.metrics.find("c") == INFINITY && line.metrics.find("g") == INFINITY));
  CHECK((line.metrics.find("d") == -INFINITY && line.metrics.find("e") == -INFINITY));
}

TEST_CASE("reserved names go under metrics, other kinds of values are ignored", "[report]") {
  const auto line = read(R"({"metrics":{"step":7,"cost":1},"note":"hello","deep":{"x":[1,{"y":2}]},"loss":1,"on":true})");
  CHECK_FALSE(line.step);
  CHECK(line.metrics == tune::Metrics{{"step", 7}, {"cost", 1}, {"loss", 1}});
}

TEST_CASE("events, caps, checkpoints, constraints and seq are read", "[report]") {
  const auto line = read(R"({"event":"ready","caps":["update","checkpoint"],"msg":"hi","checkpoint":"step-3","constraints":[-1,0.5],"seq":9})");
  CHECK((line.event == "ready" && line.message == "hi" && line.checkpoint == "step-3" && line.seq == 9));
  CHECK(line.caps == std::vector<std::string>{"update", "checkpoint"});
  CHECK(line.constraints == std::vector<double>{-1, 0.5});
}

TEST_CASE("all reports of an attempt share one list of names", "[report]") {
  ReportLineReader reader;
  ReportLine a, b, c, d;
  REQUIRE((reader.read(R"({"step":1,"loss":1,"acc":2})", a) && reader.read(R"({"step":2,"loss":3,"acc":4})", b)));
  REQUIRE((reader.read(R"({"loss":5})", c) && reader.read(R"({"acc":6,"loss":7})", d)));
  CHECK(a.metrics.names == b.metrics.names);
  CHECK(c.metrics == tune::Metrics{{"loss", 5}});
  CHECK(d.metrics == tune::Metrics{{"acc", 6}, {"loss", 7}});
}

TEST_CASE("a metric given twice keeps its last value, once", "[report]") {
  CHECK(read(R"({"loss":1,"loss":2})").metrics == tune::Metrics{{"loss", 2}});
  ReportLineReader reader;
  ReportLine line;
  REQUIRE(reader.read(R"({"loss":1})", line));
  REQUIRE(reader.read(R"({"loss":1,"loss":2})", line));
  CHECK(line.metrics == tune::Metrics{{"loss", 2}});
}

TEST_CASE("the step may have another name, and is whole", "[report]") {
  ReportLineReader reader("epoch");
  ReportLine line;
  REQUIRE(reader.read(R"({"epoch":4.0,"step":900,"loss":1})", line));
  CHECK(line.step == 4);
  CHECK(line.metrics.find("step") == 900);
  CHECK(error(R"({"step":1.5})") == "`step` is a whole number");
  CHECK(error(R"({"step":-1})") == "`step` is below 0");
  CHECK(error(R"({"step":"3"})") == "`step` is a whole number");
}

TEST_CASE("what is no report says why", "[report]") {
  CHECK(error("[1]") == "a report is one JSON object a line");
  CHECK(error("") == "expected a value at byte 0");
  CHECK(error(R"({"loss":1)") == "expected ',' or '}' at byte 9");
  CHECK(error(R"({"loss":1} x)") == "there is text after the end of the value at byte 11");
  CHECK(error("{\"\xff\":1}") == "a metric's name is not UTF-8");
  CHECK(error(R"({"":1})") == "a metric's name has 1 to 256 bytes");
  CHECK_FALSE(error(R"({"loss":)").empty());
}

TEST_CASE("lines are cut wherever the bytes were cut", "[report]") {
  const std::string text = "one\ntwo\n\nthree";
  for (std::size_t size = 1; size <= text.size(); ++size) {
    LineCutter cutter(100);
    std::vector<std::string> lines;
    const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
    for (std::size_t i = 0; i < text.size(); i += size) cutter.feed(std::string_view{text}.substr(i, size), keep);
    cutter.finish(keep);
    CHECK(lines == std::vector<std::string>{"one", "two", "", "three"});
  }
}

TEST_CASE("a line that is too long is dropped and counted, and the next one is read", "[report]") {
  LineCutter cutter(4);
  std::vector<std::string> lines;
  const auto keep = [&](std::string_view line) { lines.emplace_back(line); };
  cutter.feed("abcd\nabc", keep);
  cutter.feed("de", keep);
  cutter.feed("fg\nok\n", keep);
  CHECK(lines == std::vector<std::string>{"abcd", "ok"});
  CHECK(cutter.take_dropped() == 1);
}
