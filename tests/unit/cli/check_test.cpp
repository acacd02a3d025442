// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/check.hpp"

#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>

#include "ui/api/policies.hpp"
#include "ui/cli/init.hpp"
#include "unit/config/catalogue.hpp"

using namespace tune;
using nlohmann::json;

namespace {

ConfigContext context(std::string file = "config.json") {
  return {testing::catalogue(), std::move(file), "/home/ada/net"};
}

const char* const kConfig = R"({
  "command": ["./p", "--lr=${lr}", "${args}"],
  "params": {"lr": {"type": "uniform", "min": 0, "max": 1, "step": 0.25}, "k": [1, 2], "e": 3},
  "constraints": ["lr > 0"],
  "objective": {"metric": "loss"}, "search": {"type": "random"}, "points": [{"lr": 0.5, "k": 2}], "stop": {"trials": 4}
})";
const char* const kBroken = R"({"params": {"x": [1, 2]}, "command": ["p", "${args}"], "objectiv": {"metric": "a"}})";

Spec spec_of(std::string_view text) {
  auto result = read_config(text, context());
  INFO(render_text(result.diagnostics) << text);
  REQUIRE(result.spec);
  return std::move(*result.spec);
}

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

TEST_CASE("check says what would be done", "[check]") {
  const auto report = check_config(kConfig, context());
  CHECK(report.exit_code == 0);
  CHECK(report.err.empty());
  INFO(report.out);
  CHECK(has(report.out, "net: minimize loss"));
  CHECK(has(report.out, "2 parameters and 1 constant, 10 configurations, 1 constraint"));
  CHECK(has(report.out, "4 trials"));
  CHECK(has(report.out, "./p --lr=0.5 --e=3 --k=2 --lr=0.5"));
}

TEST_CASE("check prints the whole config on request, and it checks again", "[check]") {
  const auto report = check_config(kConfig, context(), {.effective = true});
  CHECK(json::parse(report.out)["order"]["slots"] == 8);
  CHECK(check_config(report.out, context(), {.effective = true}).out == report.out);
}

TEST_CASE("errors exit with 2, warnings with 1 only when strict", "[check]") {
  const auto broken = check_config(kBroken, context());
  CHECK(broken.exit_code == 2);
  CHECK(broken.out.empty());
  CHECK(has(broken.err, "did you mean \"objective\"?"));
  const auto warned =
      R"({"params": {"x": {"type": "uniform", "min": 0, "max": 1}}, "command": ["p", "${args}"], "objective": {"metric": "a"}})";
  CHECK(check_config(warned, context()).exit_code == 0);
  CHECK(check_config(warned, context(), {.strict = true}).exit_code == 1);
  CHECK(check_config(kConfig, context(), {.strict = true}).exit_code == 0);
}

TEST_CASE("machines read diagnostics as JSON, SARIF and workflow commands", "[check]") {
  using Format = CheckOptions::Format;
  const auto list = json::parse(check_config(kBroken, context(), {.format = Format::json}).out);
  REQUIRE(list.size() == 2);
  CHECK(list[1]["code"] == "E003");
  CHECK(list[1]["line"] == 1);
  const auto sarif = json::parse(check_config(kBroken, context(), {.format = Format::sarif}).out);
  CHECK(sarif["version"] == "2.1.0");
  CHECK(sarif["runs"][0]["results"].size() == 2);
  CHECK(sarif["runs"][0]["tool"]["driver"]["rules"].size() == 2);
  CHECK(has(check_config(kBroken, context("a,b:c.json"), {.format = Format::github}).out,
            "::error file=a%2Cb%3Ac.json,line=1,col="));
}

TEST_CASE("example trials are points first, then draws that hold the constraints", "[check]") {
  const auto spec = spec_of(kConfig);
  const auto trials = example_trials(spec, 50);
  REQUIRE(trials.size() == 50);
  CHECK(trials[0].params == spec.points[0]);
  for (const auto& t : trials) {
    CHECK(spec.space.satisfies(t.params));
    CHECK(t.argv.size() == 5);
  }
  CHECK(example_trials(spec, 3)[2].params == trials[2].params);
}

TEST_CASE("explain knows codes, fields and options of policies", "[check]") {
  const auto text = [](std::string_view what) {
    const auto r = explain(what, testing::catalogue());
    return r ? *r : r.error().message + "|" + r.error().hint;
  };
  CHECK(has(text("e021"), "E021: max is not greater than min"));
  CHECK(has(text("stop.plateau"), "stop.plateau.trials"));
  CHECK(has(text("params.lr.step"), "min + k * step"));
  CHECK(has(text("scheduler"), "fifo"));
  CHECK(has(text("checkpoint.max_bytes"), "Not served"));
  CHECK(has(text("stop.platoe"), "did you mean stop.plateau?"));
}

TEST_CASE("every option of every policy is explained", "[check]") {
  for (const auto& [key, table] : {std::pair{"search", &catalogue().samplers},
                                   {"scheduler", &catalogue().schedulers},
                                   {"executor", &catalogue().executors}})
    for (const auto& p : *table)
      for (const auto& o : p.options)
        CHECK(explain(std::string{key} + "." + std::string{p.name} + "." + std::string{o.name}, catalogue()));
}

TEST_CASE("templates check without a warning", "[init]") {
  for (const auto& t : init_templates()) {
    const auto files = init_template(t.name);
    REQUIRE(files);
    const auto report = check_config((*files)[0].text, context(), {.strict = true});
    INFO(t.name << "\n" << report.err);
    CHECK(report.exit_code == 0);
  }
  CHECK(init_template("fortran").error().code == Error::Code::not_found);
}

TEST_CASE("a command line becomes a space around its values", "[init]") {
  const auto files = init_from(
      "python3 train.py --lr 0.1 --width=64 -d 0.5 --layers 3 opt.momentum=0.9 --amp --seed 7 --data '/a b' --flag "
      "true");
  REQUIRE(files);
  INFO((*files)[0].text);
  const auto spec = spec_of((*files)[0].text);
  CHECK(spec.command == std::vector<std::string>{"python3", "train.py", "--lr", "${lr}", "--width=${width}", "-d",
                                                 "${d}", "--layers", "${layers}", "opt.momentum=${opt.momentum}",
                                                 "--amp", "--seed", "7", "--data", "/a b", "--flag", "${flag}"});
  CHECK(spec.points[0] == Params{{"d", 0.5},
                                 {"flag", true},
                                 {"layers", std::int64_t{3}},
                                 {"lr", 0.1},
                                 {"opt.momentum", 0.9},
                                 {"width", std::int64_t{64}}});
  CHECK(spec.space.find("lr")->kind == Dimension::Kind::loguniform);
  CHECK(spec.space.find("width")->kind == Dimension::Kind::ordinal);
}

TEST_CASE("whatever command line gives a config gives one that checks", "[init]") {
  for (const char* line : {"p --a -3", "p --a=-0.5 --A=1", "p x=0 x=1", "p --opt 1 --opt.lr 2", "p --a.=3",
                           "p '--we ird=5'", "p --cost '$5' --n 1e-9", "p --n 1e300", "p --momentum 0.95",
                           "p --n 1099511627776", "p --x 0.0", "p \"a\\\"b\" --k 20"}) {
    const auto files = init_from(line);
    REQUIRE(files);
    spec_of((*files)[0].text);
  }
  CHECK_FALSE(init_from("p --name x"));
  CHECK_FALSE(init_from(""));
  CHECK_FALSE(init_from("p 'a"));
}
