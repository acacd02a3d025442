// SPDX-License-Identifier: Apache-2.0
#include "ui/server/site.hpp"

#include <cstring>
#include <map>

#include "rig.hpp"
#include "tuner/json_document.hpp"
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"

using namespace tune;
using namespace tune::test;

namespace {

const std::string kApi = "/api/v1/experiments/digits";

JsonNode json(const std::string& text) {
  auto document = parse_json(text, 0, [](const JsonFault& fault) { FAIL(fault.message); });
  REQUIRE(document);
  return std::move(*document);
}
const JsonNode& member(const JsonNode& node, std::string_view key) {
  const auto* found = node.find(key);
  REQUIRE(found);
  return found->value;
}

/// Binary columns as a browser reads them; codes as their texts.
struct Columns {
  JsonNode head;
  std::map<std::string, std::vector<std::string>> texts;
  std::map<std::string, std::vector<double>> numbers;
  explicit Columns(const std::string& bytes) {
    REQUIRE(bytes.substr(0, 8) == "TUNECOL1");
    std::uint32_t length = 0;
    std::memcpy(&length, bytes.data() + 8, 4);
    REQUIRE((12 + length) % 8 == 0);
    head = json(bytes.substr(12, length));
    const auto rows = static_cast<std::size_t>(*member(head, "rows").integer);
    for (const auto& column : member(head, "columns").items) {
      const auto type = member(column, "type").text, name = member(column, "name").text;
      const auto offset = static_cast<std::size_t>(*member(column, "offset").integer);
      REQUIRE(offset % 8 == 0);
      const char* at = bytes.data() + 12 + length + offset;
      for (std::size_t row = 0; row < rows; ++row) {
        if (type == "f64") numbers[name].push_back(read<double>(at, row));
        if (type == "i32") numbers[name].push_back(read<std::int32_t>(at, row));
        if (type == "u8") texts[name].push_back(text(column, read<std::uint8_t>(at, row), 255));
        if (type == "u32") texts[name].push_back(text(column, read<std::uint32_t>(at, row), 4294967295));
      }
    }
  }
  template <class T>
  static T read(const char* at, std::size_t row) {
    T value;
    std::memcpy(&value, at + row * sizeof value, sizeof value);
    return value;
  }
  static std::string text(const JsonNode& column, std::uint32_t code, std::uint32_t absent) {
    return code == absent ? "-" : member(column, "dictionary").items.at(code).text;
  }
};
using Texts = std::vector<std::string>;
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("the list of experiments tells how each stands", "[server]") {
  Served served;
  const auto answer = served.get("/api/v1/experiments");
  REQUIRE(status(answer) == "200");
  const auto list = json(body(answer));
  const auto& digits = member(list, "experiments").items.at(0);
  CHECK(member(digits, "name").text == "digits");
  CHECK(member(digits, "state").text == "running");
  CHECK(member(digits, "trials").integer == 4);
  CHECK(member(member(digits, "counts"), "complete").integer == 2);
  CHECK(member(member(digits, "best"), "trial").integer == 1);
  CHECK(member(digits, "budget").integer == 10);
}

TEST_CASE("an experiment has its parameters, and its environment's secrets are hidden", "[server]") {
  Served served;
  const auto text = body(served.get(kApi));
  const auto digits = json(text);
  const auto& params = member(digits, "params").items;
  REQUIRE(params.size() == 3);
  CHECK(member(member(digits, "search"), "type").text == "auto");
  CHECK(text.find("canary") == std::string::npos);
  CHECK(member(member(member(digits, "config"), "env"), "THREADS").text == "2");
}

TEST_CASE("columns hold what the store holds, and what is absent is told from nan", "[server]") {
  Served served;
  const Columns all(body(served.get(kApi + "/columns")));
  CHECK(all.numbers.at("number") == Numbers{0, 1, 2, 3});
  CHECK(all.texts.at("state") == Texts{"complete", "stopped", "complete", "queued"});
  CHECK(all.texts.at("cause") == Texts{"done", "done", "done", "-"});
  CHECK(all.texts.at("params.opt") == Texts{"adam", "sgd", "adam", "sgd"});
  CHECK(all.texts.at("params.flag") == Texts{"true", "false", "false", "false"});
  CHECK(all.numbers.at("params.lr")[1] == 0.2);
  CHECK((all.numbers.at("value")[0] == 0.5 && std::isnan(all.numbers.at("value")[2]) && std::isnan(all.numbers.at("value")[3])));
  for (const auto& column : member(all.head, "columns").items)
    if (member(column, "name").text == "value") CHECK(member(column, "nan").items.at(0).integer == 2);
  CHECK(all.numbers.at("metrics.loss")[1] == 0.25);
}

TEST_CASE("the course of a member of a population is told with the parameters of each stretch", "[server]") {
  Served served;
  auto batch = std::make_shared<Batch>();
  Exploit exploit;
  exploit.trial = {3}, exploit.donor = {1}, exploit.checkpoint = "c", exploit.step = 2, exploit.params = {{"lr", 0.75}, {"opt", "sgd"}};
  batch->records = {served.journal.observe(Checkpointed{{1}, 1, 2, "c", 0, 0, ""}), served.journal.decide(exploit)};
  served.append(batch);
  const auto course = json(body(served.get(kApi + "/trials/3/lineage")));
  const auto& stretches = member(course, "stretches").items;
  REQUIRE(stretches.size() == 2);
  CHECK(member(stretches[0], "trial").integer == 1);
  CHECK(member(stretches[0], "to_step").integer == 2);
  CHECK(member(stretches[0], "donor").kind == JsonNode::Kind::null);
  CHECK(member(stretches[1], "trial").integer == 3);
  CHECK(member(stretches[1], "from_step").integer == 2);
  CHECK(member(stretches[1], "donor").integer == 1);
  CHECK(member(member(stretches[1], "params"), "lr").number == 0.75);
  CHECK(status(served.get(kApi + "/trials/99/lineage")) == "404");
}

TEST_CASE("settings are told as they were made and as they changed, without secrets", "[server]") {
  Served served;
  auto batch = std::make_shared<Batch>();
  auto changed = kConfig;
  changed.replace(changed.find("\"trials\":10"), 11, "\"trials\":20");
  changed.replace(changed.find("\"THREADS\":\"2\""), 13, "\"THREADS\":\"4\"");
  const auto threads = [&] { return member(member(json(body(served.get(kApi + "/trials/1"))), "env"), "THREADS").text; };
  CHECK(threads() == "2");
  batch->records = {served.journal.observe(Configured{changed, "h", "stop.trials 10 -> 20", "you"})};
  served.append(batch);
  CHECK(threads() == "4");
  const auto answer = body(served.get(kApi + "/settings"));
  CHECK(answer.find("canary") == std::string::npos);
  const auto told = json(answer);
  const auto& settings = member(told, "settings").items;
  REQUIRE(settings.size() == 2);
  CHECK(member(settings[1], "by").text == "you");
  CHECK(member(member(member(settings[0], "config"), "stop"), "trials").integer == 10);
  CHECK(member(member(member(settings[1], "config"), "stop"), "trials").integer == 20);
}

TEST_CASE("only the columns asked for come, in that order, and an unknown one is named", "[server]") {
  Served served;
  const Columns some(body(served.get(kApi + "/columns?cols=state,number")));
  CHECK((some.texts.size() == 1 && some.numbers.size() == 1));
  const auto wrong = served.get(kApi + "/columns?cols=stat");
  CHECK(status(wrong) == "400");
  CHECK_THAT(wrong, Catch::Contains("did you mean `state`?"));
}

TEST_CASE("what people said of a trial is a column, as long as they say it", "[server]") {
  Served served;
  const auto say = [&](Annotated note) {
    const auto seq = std::to_string(*member(Columns(body(served.get(kApi + "/columns"))).head, "seq").integer);
    auto batch = std::make_shared<Batch>();
    note.trial = TrialId{2}, note.by = "me";
    batch->records = {served.journal.observe(note)};
    served.append(batch);
    return Columns(body(served.get(kApi + "/columns?cols=tags,note,star&since=" + seq)));
  };
  const auto said = say({{}, {"keep", "a,b"}, {}, "too \"slow\"", true, ""});
  CHECK(said.numbers.at("number") == Numbers{2});
  CHECK(said.texts.at("tags") == Texts{R"(["keep","a,b"])"});
  CHECK(said.texts.at("note") == Texts{"too \"slow\""});
  CHECK(said.texts.at("star") == Texts{"true"});
  const auto taken_back = say({{}, {}, {"keep", "a,b"}, "", false, ""});
  CHECK(taken_back.texts.at("tags") == Texts{"-"});
  CHECK(taken_back.texts.at("note") == Texts{"-"});
  CHECK(Columns(body(served.get(kApi + "/columns"))).texts.at("tags") == Texts{"-", "-", "-", "-"});
}

TEST_CASE("since a record only the trials come that it touched", "[server]") {
  Served served;
  const Columns before(body(served.get(kApi + "/columns")));
  const auto seq = std::to_string(*member(before.head, "seq").integer);
  CHECK(member(Columns(body(served.get(kApi + "/columns?since=" + seq))).head, "rows").integer == 0);

  auto batch = std::make_shared<Batch>();
  batch->records = {served.journal.report(1, 3, 0.125)};
  batch->trials = {Served::row(1, TrialState::stopped, 0.125)};
  served.append(batch);
  const Columns after(body(served.get(kApi + "/columns?since=" + seq)));
  CHECK(after.numbers.at("number") == Numbers{1});
  CHECK(after.numbers.at("value") == Numbers{0.125});
  CHECK(after.numbers.at("metrics.loss") == Numbers{0.125});
  CHECK_FALSE(member(after.head, "full").boolean);
  CHECK(after.texts.at("tags") == Texts{"-"});
  const Columns whole(body(served.get(kApi + "/columns?cols=value&since=99999")));
  CHECK(member(whole.head, "full").boolean);
}

TEST_CASE("trials come page by page, in any order, each once", "[server]") {
  Served served;
  const auto order = GENERATE("sort=number", "sort=value", "sort=value&desc=1", "sort=opt", "sort=params.lr&desc=1", "sort=state");
  std::string next, numbers;
  for (int pages = 0; pages < 10; ++pages) {
    std::string encoded;
    for (const char c : next) encoded += c == '"' ? "%22" : c == '[' ? "%5B" : c == ']' ? "%5D" : std::string{c};
    const auto answer = served.get(kApi + "/trials?top=1&columns=number&" + order + (next.empty() ? "" : "&after=" + encoded));
    REQUIRE(status(answer) == "200");
    const auto page = json(body(answer));
    for (const auto& row : member(page, "rows").items) numbers += std::to_string(*row.items.at(0).integer);
    next = member(page, "next").text;
    if (next.empty()) break;
  }
  const auto whole = json(body(served.get(kApi + "/trials?columns=number&" + std::string(order))));
  std::string expected;
  for (const auto& row : member(whole, "rows").items) expected += std::to_string(*row.items.at(0).integer);
  CHECK((numbers == expected && numbers.size() == 4));
}

TEST_CASE("the same trials come as lines for programs that ask for them", "[server]") {
  Served served;
  const auto csv = served.get(kApi + "/trials?columns=number,value", "Accept: text/csv\r\n");
  CHECK_THAT(csv, Catch::Contains("Content-Type: text/csv") && Catch::Contains("number,value\r\n0,0.5\r\n"));
  const auto lines = served.get(kApi + "/trials?columns=number&where=state+%3D%3D+%22stopped%22", "Accept: application/x-ndjson\r\n");
  CHECK(body(lines) == "{\"number\":1}\n");
}

TEST_CASE("a trial tells its parameters, its attempts and how it was proposed", "[server]") {
  Served served;
  const auto trial = json(body(served.get(kApi + "/trials/1")));
  CHECK(member(trial, "state").text == "stopped");
  CHECK(member(trial, "sampler").text == "random");
  CHECK(member(member(trial, "values"), "loss").number == 0.25);
  CHECK(member(trial, "attempts").items.at(0).find("exit_code")->value.integer == 0);
  CHECK(member(trial, "argv").items.size() == 4);
  CHECK(status(served.get(kApi + "/trials/99")) == "404");
}

TEST_CASE("errors have one shape, and name what was probably meant", "[server]") {
  Served served;
  const auto answer = served.get("/api/v1/experiments/digit");
  CHECK(status(answer) == "404");
  const auto error = json(body(answer));
  CHECK(member(member(error, "error"), "code").text == "not_found");
  CHECK_THAT(member(member(error, "error"), "hint").text, Catch::Contains("digits"));
  CHECK(status(served.get(kApi + "/columns?x=1")) == "400");
  CHECK(status(served.get(kApi + "/trials?state=dead")) == "400");
  CHECK(status(served.get(kApi + "/trials?after=1")) == "400");
}

TEST_CASE("no spelling of a path leads out", "[server]") {
  Served served;
  const auto path = GENERATE("/../a.db", "/..%2fa.db", "/%2e%2e/a.db", "/assets/../index.html", "/assets/..%2f..%2fetc/passwd", "/./", "//",
                             "/x/../..", "/x/digits/..", "/x/digits;/a", "/x/digits\\..", "/api/v1/experiments/..%2f", "/assets/%00",
                             "/x/digits/trials/-1", "/x/digits/trials/1/2/3/4", "/api/v1/experiments/digits/trials/1e3", "/x/%c0%ae%c0%ae");
  const auto answer = served.get(path);
  CHECK((status(answer) == "404" || status(answer) == "400"));
}

TEST_CASE("the address that was printed lets one browser in, once", "[server]") {
  Served served;
  const auto target = served.site->way_in().substr(served.site->way_in().find("/?"));
  const auto ask = [&](const std::string& what) { return answers("GET " + what + " HTTP/1.1\r\nHost: 127.0.0.1:7740\r\n\r\n", *served.site); };
  const auto first = ask(target);
  CHECK(status(first) == "303");
  CHECK_THAT(first, Catch::Contains("Location: /\r\n") && Catch::Contains("HttpOnly; SameSite=Strict; Path=/") && !Catch::Contains(served.token));
  CHECK(status(ask(target)) == "401");
  CHECK(status(ask("/?token=" + served.token)) == "303");
}

TEST_CASE("through TLS the address says so, and the cookie goes nowhere else", "[server]") {
  Site::Settings settings;
  settings.https = true, settings.names = {"gpu1.lab"};
  Served served(settings);
  served.site->set_address("gpu1.lab:7740");
  const auto way_in = served.site->way_in();
  CHECK_THAT(way_in, Catch::StartsWith("https://gpu1.lab:7740/?token="));
  const auto answer = answers("GET " + way_in.substr(way_in.find("/?")) + " HTTP/1.1\r\nHost: gpu1.lab:7740\r\n\r\n", *served.site);
  CHECK_THAT(answer, Catch::Contains("Set-Cookie: __Host-tune_7740=") && Catch::Contains("; HttpOnly; SameSite=Strict; Path=/; Secure\r\n") &&
                         !Catch::Contains("Domain"));
}

TEST_CASE("every answer forbids to embed, to sniff and to run what is not ours", "[server]") {
  Served served;
  const auto target = GENERATE("/", "/x/digits", "/api/v1/experiments", "/nothing.js", "/api/v1/nothing");
  CHECK_THAT(served.get(target), Catch::Contains("default-src 'none'; script-src 'self'") && Catch::Contains("frame-ancestors 'none'") &&
                                     Catch::Contains("X-Content-Type-Options: nosniff") && !Catch::Contains("Access-Control"));
}

TEST_CASE("a server for metrics has nothing else", "[server]") {
  Site::Settings settings;
  settings.metrics_only = true, settings.metrics = [] { return std::string("tune_trials 3\n"); };
  Served served(settings);
  CHECK(body(served.get("/metrics")) == "tune_trials 3\n");
  CHECK(status(served.get("/")) == "404");
  CHECK(status(served.get("/api/v1/experiments")) == "404");
}

TEST_CASE("the best so far never gets worse and ends with the best of all", "[server]") {
  const std::vector<double> values = {3, std::nan(""), 5, 2, 4, 1, 6};
  CHECK(best_so_far(values, false, 40) == std::vector<double>{3, 3, 2, 2, 1, 1});
  CHECK(best_so_far(values, true, 2) == std::vector<double>{5, 6});
  CHECK(best_so_far({}, true, 2).empty());
}
