// SPDX-License-Identifier: Apache-2.0
#include "tuner/facts_json.hpp"

#include <catch2/catch.hpp>
#include <fstream>
#include <iostream>
#include <set>

#include "support/every_fact.hpp"
#include "tuner/json.hpp"

using namespace tune;
using namespace tune::test;

// A field that fields() in facts_json.cpp does not list would be lost without a word. A struct that has grown stops
// here: list the new field there and in tests/support/every_fact.hpp, append its lines to the corpus, then change the
// number.
#if defined(__x86_64__) && defined(__GLIBCXX__)
static_assert(sizeof(Configured) == 128);
static_assert(sizeof(Opened) == 168);
static_assert(sizeof(Imported) == 104);
static_assert(sizeof(Imported::Trial) == 56);
static_assert(sizeof(Requested) == 192);
static_assert(sizeof(Annotated) == 144);
static_assert(sizeof(WorkerJoined) == 296);
static_assert(sizeof(WorkerChanged) == 184);
static_assert(sizeof(WorkerLost) == 72);
static_assert(sizeof(AllocationChanged) == 152);
static_assert(sizeof(Started) == 32);
static_assert(sizeof(Announced) == 104);
static_assert(sizeof(Reported) == 120);
static_assert(sizeof(Checkpointed) == 104);
static_assert(sizeof(CheckpointLost) == 64);
static_assert(sizeof(Updated) == 24);
static_assert(sizeof(Usage) == 24);
static_assert(sizeof(Exited) == 104);
static_assert(sizeof(Fenced) == 64);
static_assert(sizeof(Collected) == 32);
static_assert(sizeof(Warned) == 96);
static_assert(sizeof(TimePassed) == 1);
static_assert(sizeof(Supplied) == 112);
static_assert(sizeof(Rung) == 48);
static_assert(sizeof(Propose) == 176);
static_assert(sizeof(Launch) == 184);
static_assert(sizeof(Extend) == 72);
static_assert(sizeof(Pause) == 72);
static_assert(sizeof(Stop) == 72);
static_assert(sizeof(Exploit) == 96);
static_assert(sizeof(Update) == 80);
static_assert(sizeof(Resize) == 80);
static_assert(sizeof(Retry) == 152);
static_assert(sizeof(Settle) == 56);
static_assert(sizeof(Allocate) == 104);
static_assert(sizeof(Release) == 64);
static_assert(sizeof(Collect) == 24);
static_assert(sizeof(Finish) == 8);
static_assert(sizeof(Reason) == 104);
static_assert(sizeof(Device) == 40);
static_assert(sizeof(Offer) == 88);
static_assert(sizeof(Seat) == 104);
static_assert(sizeof(Resources) == 72);
#endif

namespace {
Result<Record> read(std::string_view kind, std::string_view body) { return record_from_json(1, {2}, 1, kind, body); }

// NaN is not equal to itself inside parameters and lists; as text it is.
Record again(const Record& r) {
  auto read_back = record_from_json(r.seq, r.at, r.epoch, kind(r), body_to_json(r));
  INFO((read_back ? "" : read_back.error().message));
  REQUIRE(read_back);
  return std::move(read_back).value();
}
}  // namespace

TEST_CASE("every kind of fact reads back as it was written", "[facts]") {
  std::set<std::string_view> kinds;
  for (const auto& r : every_fact()) {
    INFO(to_json_line(r));
    const auto copy = again(r);
    CHECK(to_json_line(copy) == to_json_line(r));
    if (body_to_json(r).find("\"nan\"") == std::string::npos) CHECK(copy == r);
    kinds.insert(kind(r));
  }
  CHECK(kinds.size() == std::variant_size_v<Observation> + std::variant_size_v<Decision>);
}

TEST_CASE("a fact without anything set reads back too", "[facts]") {
  const auto empty = again({1, {}, 1, Observation{Requested{}}});
  CHECK(empty.as<Requested>()->params.empty());
  CHECK(again({1, {}, 1, Decided{Launch{}, {}}}).as<Launch>()->until_step == kNoStep);
  CHECK(again({1, {}, 1, Decided{Extend{{0}, kNoStep, Rung{}}, {}}}).as<Extend>()->rung.has_value());
  CHECK(body_to_json({1, {}, 1, Observation{TimePassed{}}}) == "{}");
}

TEST_CASE("a floating-point parameter stays one and an integer stays an integer", "[facts]") {
  const auto r =
      again({1,
             {},
             1,
             Decided{Propose{{0}, {{"f", 3.0}, {"i", std::int64_t{3}}, {"e", 1e22}}, "", "", 0, 0, {}, {}, 0, 0}, {}}});
  CHECK(r.as<Propose>()->params == Params{{"f", 3.0}, {"i", std::int64_t{3}}, {"e", 1e22}});
}

TEST_CASE("a policy's note stands in the body as JSON, so that SQL reaches into it", "[facts]") {
  CHECK(body_to_json({1, {}, 1, Decided{Finish{}, {0, "", "", R"({"a":1})"}}}) == R"({"note":{"a":1}})");
  CHECK(body_to_json({1, {}, 1, Decided{Finish{}, {0, "", "", "{\n}"}}}) == R"({"note":"{\n}"})");
  CHECK(again({1, {}, 1, Decided{Finish{}, {0, "", "", R"({"a": [1, 2 ]})"}}}).decided()->reason.note ==
        R"({"a": [1, 2 ]})");
}

TEST_CASE("keys that a newer tune wrote are skipped", "[facts]") {
  const auto r = read("Updated", R"({"new":{"a":[1,{"b":null}]},"trial":4,"attempt":1,"x":"y","step":7})");
  REQUIRE(r);
  CHECK(*r->as<Updated>() == Updated{{4}, 1, 7});
}

TEST_CASE("a damaged body is refused with kind and place", "[facts]") {
  const auto body = GENERATE(as<std::string>{}, "", "[]", "5", "{", R"({"trial":"x"})", R"({"trial":1.5})",
                             R"({"trial":1)", R"({"trial":1}x)", R"({"attempt":99999999999})", R"({"cause":"tired"})",
                             R"({"usage":3})", R"({"exit_code":null})", R"({"trial":1,})");
  INFO(body);
  const auto r = read("Exited", body);
  REQUIRE_FALSE(r);
  CHECK(r.error().code == Error::Code::corrupt);
  CHECK(r.error().message.find("(Exited)") != std::string::npos);
  CHECK(r.error().message.find("at byte") != std::string::npos);
}

TEST_CASE("a kind nobody knows is refused, printable", "[facts]") {
  CHECK(read("Exit\x1b[31m", "{}").error().message == R"(record 1 (Exit\x1b[31m) is damaged: no fact has this kind)");
}

TEST_CASE("deep nesting is refused and does not exhaust the stack", "[facts]") {
  std::string deep = R"({"x":)" + std::string(100000, '[');
  CHECK_FALSE(read("Updated", deep));
}

TEST_CASE("journal lines of every released version still read, and are written the same", "[facts]") {
  std::ifstream corpus("tests/corpus/journal-v1.ndjson");
  REQUIRE(corpus);
  int lines = 0;
  for (std::string line; std::getline(corpus, line); ++lines) {
    const auto record = record_from_json_line(line);
    INFO(line << (record ? "" : record.error().message));
    REQUIRE(record);
    CHECK(to_json_line(*record) == line);
  }
  CHECK(lines >= 42);
}

TEST_CASE("the reference names every kind and every key that the corpus has", "[facts][docs]") {
  std::ifstream file("docs/formats/facts.md");
  const std::string reference{std::istreambuf_iterator<char>(file), {}};
  for (const auto& r : every_fact()) {
    CHECK(reference.find("`" + std::string{kind(r)} + "`") != std::string::npos);
    const auto body = body_to_json(r);
    JsonReader json(body);
    json.next();
    while (json.next() == JsonReader::Token::key) {
      INFO(kind(r) << "." << json.text());
      CHECK(reference.find("`" + std::string{json.text()} + "`") != std::string::npos);
      json.skip();
    }
  }
}

// Run by hand when a field is added: its lines are appended to the corpus, which is never rewritten.
TEST_CASE("write a corpus", "[.corpus]") {
  for (const auto& r : every_fact()) std::cout << to_json_line(r) << '\n';
}
