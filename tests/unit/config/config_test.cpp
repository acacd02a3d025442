// SPDX-License-Identifier: Apache-2.0
#include "tuner/config.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "tuner/config_fields.hpp"
#include "unit/config/catalogue.hpp"
#include "unit/config/corpus.hpp"

using namespace tune;
using namespace tune::testing;
using nlohmann::json;

namespace {

std::string with(const std::string& more) {
  return R"({"params": {"lr": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "loss"}, "command": ["p", "${args}"], "stop": {"trials": 9})" +
         (more.empty() ? "" : ", " + more) + "}";
}

Spec spec(std::string_view text, std::vector<std::string> sets = {}) {
  auto r = read(text, std::move(sets));
  INFO(render_text(r.diagnostics));
  REQUIRE(r.spec);
  return std::move(*r.spec);
}

}  // namespace

TEST_CASE("every config of the good corpus is read without error", "[config][corpus]") {
  for (const auto& [name, text] : corpus("good")) {
    const auto r = read(text);
    INFO(name << "\n" << render_text(r.diagnostics));
    CHECK(r.spec);
  }
}

TEST_CASE("the effective config gives the same settings again, wherever it is read", "[config][corpus]") {
  for (const auto& [name, text] : corpus("good")) {
    const auto first = spec(text);
    INFO(name << "\n" << first.effective);
    const auto again = read_config(first.effective, {catalogue(), "elsewhere.json", "/tmp"});
    INFO(render_text(again.diagnostics));
    REQUIRE(again.spec);
    CHECK(again.spec->effective == first.effective);
    CHECK(again.spec->space.dimensions() == first.space.dimensions());
    CHECK(again.spec->points == first.points);
    CHECK(again.spec->search == first.search);
    CHECK(again.spec->scheduler == first.scheduler);
    CHECK(json::parse(first.effective).is_object());
  }
}

TEST_CASE("defaults are written out", "[config]") {
  const auto s = spec(with(""));
  CHECK(s.name == "net");
  CHECK(s.cwd == "/home/ada/net");
  CHECK(s.search.type == "auto");
  CHECK(s.scheduler.type == "fifo");
  CHECK(s.executor.type == "process");
  const auto e = json::parse(s.effective);
  CHECK(e["search"] == json{{"type", "auto"}});
  CHECK(e["retry"] == json{{"max", 0}, {"backoff", "1s"}, {"on", {"signal", "oom"}}, {"memory_factor", 1}});
}

TEST_CASE("a diagnostic reads like a compiler's", "[config]") {
  const auto r = read(
      "{\n  \"params\": {\n    \"lr\": {\"type\": \"loguniform\", \"min\": 0.1, \"max\": 0.001}\n  },\n"
      "  \"objective\": {\"metric\": \"loss\"}, \"command\": [\"p\", \"${args}\"], \"stop\": {\"trials\": 3}\n}");
  CHECK(render_text(r.diagnostics) ==
        "error[E021]: `max` must be greater than `min` for \"loguniform\"\n"
        "  --> config.json:3:46\n"
        "   |\n"
        " 3 |     \"lr\": {\"type\": \"loguniform\", \"min\": 0.1, \"max\": 0.001}\n"
        "   |                                              ~~~~~~~~~~~~\n"
        "   = help: swap them: \"min\": 0.001, \"max\": 0.1\n"
        "   = more: tune explain E021\n");
}

TEST_CASE("columns count characters and nothing in the text steers the terminal", "[config]") {
  const auto r = read("{\"description\": \"\xc3\xa9\xc3\xa9\", \"\xe2\x80\xae x\": 1, " + with("").substr(1));
  REQUIRE(codes(r) == "E003");
  CHECK(r.diagnostics[0].column == 23);
  CHECK(render_text(r.diagnostics).find("\xe2\x80\xae") == std::string::npos);
}

TEST_CASE("a long line is shown around the place", "[config]") {
  const auto r = read(with("\"description\": \"" + std::string(500, 'a') + "\", \"sede\": 1, \"x-y\": \"" +
                           std::string(500, 'b') + "\""));
  REQUIRE(codes(r) == "E003");
  const auto& d = r.diagnostics[0];
  CHECK(d.excerpt.size() < 130);
  CHECK(d.excerpt.find("\"sede\"") != std::string::npos);
}

TEST_CASE("all errors are told at once, by place, twenty at most", "[config]") {
  CHECK(codes(read(with("\"sed\": 1, \"seed\": -1, \"on_nan\": \"x\", \"retry\": {\"max\": \"a\"}"))) ==
        "E003 E006 E007 E004");
  std::string many;
  for (int i = 0; i < 50; ++i) many += (i ? ", " : "") + ("\"k" + std::to_string(i) + "\": 1");
  const auto r = read(with(many));
  CHECK(r.diagnostics.size() == 20);
  CHECK(r.hidden == 30);
}

TEST_CASE("errors are not crowded out by warnings", "[config]") {
  std::string params;
  for (int i = 0; i < 30; ++i)
    params += "\"p" + std::to_string(i) + "\": {\"type\": \"uniform\", \"min\": 0, \"max\": 1, \"step\": 0.3}, ";
  const auto r = read("{\"params\": {" + params +
                      "\"z\": {\"type\": \"flaot\"}}, \"objective\": {\"metric\": \"a\"}, \"command\": [\"p\"], "
                      "\"stop\": {\"trials\": 1}}");
  CHECK(r.diagnostics.size() == 20);
  CHECK(r.diagnostics.back().code == "E020");
  CHECK(r.diagnostics.back().hint ==
        "there are uniform, loguniform, int, logint, normal, lognormal, choice, ordinal, grid, bool and const");
}

TEST_CASE("--set changes any key and later ones win", "[config]") {
  const auto s = spec(with("\"scheduler\": {\"type\": \"asha\"}"),
                      {"params.lr.max=0.5", "stop.trials=3", "stop.trials=4", "name=b", "scheduler.eta=4",
                       "params.depth=[2, 3]", "command.0=q", "description=12 monkeys", "env.A=1 2"});
  CHECK(s.space.find("lr")->max == 0.5);
  CHECK(s.space.find("depth")->cardinality() == 2);
  CHECK(s.stop.trials == 4);
  CHECK(s.name == "b");
  CHECK(*s.scheduler.options.find("eta") == Value{4.0});
  CHECK(s.command[0] == "q");
  CHECK(s.description == "12 monkeys");
  CHECK(s.env.at("A") == "1 2");
}

TEST_CASE("--set finds parameters whose names have dots", "[config]") {
  const std::string text =
      R"({"params": {"opt.lr": {"type": "uniform", "min": 0, "max": 1}}, "objective": {"metric": "a"}, "command": ["p", "${args}"], "stop": {"trials": 1}})";
  CHECK(spec(text, {"params.opt.lr.max=3"}).space.find("opt.lr")->max == 3);
}

TEST_CASE("what --set got wrong is shown on the command line's text", "[config]") {
  const auto r = read(with(""), {"stop.trials=0"});
  REQUIRE(codes(r) == "E006");
  CHECK(r.diagnostics[0].file == "--set");
  CHECK(r.diagnostics[0].excerpt == "stop.trials=0");
}

TEST_CASE("asha and hyperband pause where the trial can save and stop where it cannot", "[config]") {
  const auto mode = [](const std::string& type, const std::string& more) {
    const auto text = "\"scheduler\": {\"type\": \"" + type + "\", \"max_step\": 9}" + more;
    return to_text(*spec(with(text)).scheduler.options.find("mode"));
  };
  CHECK(mode("asha", "") == "stop");
  CHECK(mode("asha", ", \"checkpoint\": {}") == "promote");
  CHECK(mode("hyperband", "") == "async");
  CHECK(mode("hyperband", ", \"checkpoint\": {}") == "sync");
}

TEST_CASE("the automatic scheduler ends trials early only where their length is told and one objective decides", "[config]") {
  const auto scheduler = [](const std::string& more) { return spec(with(more)).scheduler; };
  CHECK(scheduler("\"checkpoint\": {}").type == "fifo");
  CHECK(scheduler("\"scheduler\": {\"type\": \"auto\"}").type == "fifo");
  const auto halves = scheduler("\"scheduler\": {\"type\": \"auto\", \"max_step\": 52}, \"checkpoint\": {}");
  CHECK(halves.type == "asha");
  CHECK(to_text(*halves.options.find("mode")) == "stop");
  CHECK(to_number(*halves.options.find("min_step")) == 2);  // 52 / 27
}

TEST_CASE("what the config says goes before what the automatic scheduler would choose", "[config]") {
  const auto s = spec(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": 9, \"eta\": 4, \"mode\": \"promote\", \"min_step\": 3}, "
                           "\"checkpoint\": {}"));
  CHECK(to_text(*s.scheduler.options.find("mode")) == "promote");
  CHECK(to_number(*s.scheduler.options.find("min_step")) == 3);
  CHECK(to_number(*s.scheduler.options.find("eta")) == 4);
  const auto short_trials = spec(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": 9}"));
  CHECK(to_number(*short_trials.scheduler.options.find("min_step")) == 1);
  const auto pasha = spec(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": \"auto\"}, \"checkpoint\": {}"));
  CHECK(to_text(*pasha.scheduler.options.find("mode")) == "promote");
}

TEST_CASE("in trials of a single step there is nothing to end early for the automatic scheduler", "[config]") {
  const auto s = spec(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": 1, \"min_step\": 1, \"eta\": 4}"));
  CHECK(s.scheduler.type == "fifo");
  CHECK(json::parse(s.effective)["scheduler"] == json{{"type", "fifo"}});
  CHECK(codes(read(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": 1, \"eta\": \"two\"}"))) != "");
  CHECK(codes(read(with("\"scheduler\": {\"type\": \"auto\", \"max_step\": 1, \"population\": 4}"))) == "E062");
}

TEST_CASE("with several objectives the automatic scheduler lets every trial run to its end", "[config]") {
  const auto s = spec(R"({"params": {"lr": {"type": "uniform", "min": 0, "max": 1}}, "command": ["p"], "stop": {"trials": 9},
                          "objectives": [{"metric": "loss"}, {"metric": "ms"}], "scheduler": {"type": "auto", "max_step": 9}})");
  CHECK(s.scheduler.type == "fifo");
}

TEST_CASE("what a scheduler says against the config is shown at the option that it names", "[config]") {
  const auto r = read(with("\"scheduler\": {\"type\": \"hyperband\", \"eta\": 3}"));
  REQUIRE(codes(r) == "E068");
  CHECK(r.diagnostics[0].message.ends_with("cannot run this experiment: scheduler.max_step is needed"));
}

TEST_CASE("the executor is process for a command and threads for a trainable", "[config]") {
  CHECK(spec(with("")).executor.type == "process");
  CHECK(spec(R"({"params": {"x": [1, 2]}, "objective": {"metric": "a"}, "trainable": {"name": "f"}})").executor.type ==
        "thread");
}

TEST_CASE("a config may lack a program where trials are driven from outside", "[config]") {
  const std::string text = R"({"params": {"x": [1, 2]}, "objective": {"metric": "a"}})";
  CHECK(codes(read(text)) == "E054");
  CHECK(read_config(text, {.catalogue = catalogue(), .needs_program = false}).spec);
}

TEST_CASE("paths start from the config's folder and never leave their spelling", "[config]") {
  const auto s = spec(with(R"("cwd": "../up", "store": "a.db")"));
  CHECK(s.cwd == "/home/ada/net/../up");
  CHECK(s.store == "/home/ada/net/a.db");
  CHECK(spec(with(R"("store": ":memory:")")).store == ":memory:");
}

TEST_CASE("the default name is the file's stem, or the folder's for config.json", "[config]") {
  CHECK(default_name("sweeps/mnist.jsonc", "/a") == "mnist");
  CHECK(default_name("config.json", "/home/ada/my net/") == "my-net");
  CHECK(default_name("config.json", "/") == "experiment");
  CHECK(default_name(".hidden", "/x") == "x");
  CHECK(default_name("\xc3\xa9t\xc3\xa9.json", "/x") == "t");
  CHECK(default_name(std::string(100, 'a') + ".json", "/x").size() == 63);
}

TEST_CASE("numbers of a list are of one kind and conditions follow", "[config]") {
  const auto s = spec(
      R"({"params": {"x": [1, 0.5], "y": {"type": "bool", "when": {"x": 1}}, "d": {"type": "uniform", "min": 0, "max": 4, "step": 1},
    "z": {"type": "bool", "when": {"d": 3}}}, "objective": {"metric": "a"}, "command": ["p", "${args}"], "stop": {"trials": 1}})");
  CHECK(s.space.is_active(*s.space.find("y"), {{"x", 1.0}}));
  CHECK(s.space.is_active(*s.space.find("z"), {{"d", 3.0}}));
}

TEST_CASE("options of a Spec made by a program are checked and completed", "[config]") {
  const auto& asha = catalogue().schedulers[1];
  CHECK(*complete_options(asha, {{"eta", std::int64_t{4}}}) ==
        Params{{"eta", 4.0}, {"min_step", std::int64_t{1}}, {"mode", std::string{"stop"}}});
  CHECK_FALSE(complete_options(asha, {{"etaa", 4.0}}));
  CHECK_FALSE(complete_options(asha, {{"eta", 0.5}}));
  CHECK_FALSE(complete_options(asha, {{"eta", NAN}}));
  CHECK_FALSE(complete_options(asha, {{"mode", std::string{"x"}}}));
  CHECK_FALSE(complete_options(asha, {{"min_step", 1.5}}));
  CHECK(complete_options(asha, {{"max_step", std::string{"auto"}}}));
  CHECK_FALSE(complete_options(asha, {{"max_step", std::string{"never"}}}));
  CHECK_FALSE(complete_options(asha, {{"min_step", std::string{"auto"}}}));
}

TEST_CASE("every key of the table is documented with its type and default", "[config][docs]") {
  std::ostringstream text;
  text << std::ifstream{"docs/config.md"}.rdbuf();
  for (const auto& f : config_fields()) {
    const std::string row = "| `" + std::string{f.path} + "` | " + std::string{f.type} + " | " +
                            (f.fallback.empty() ? "" : "`" + std::string{f.fallback} + "`") + " | " +
                            std::string{f.help} +
                            (f.later.empty() ? "" : " *Later, with " + std::string{f.later} + ".*") + " |";
    INFO(row);
    CHECK(text.str().find(row) != std::string::npos);
  }
}
