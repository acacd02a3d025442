// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>
#include <fstream>

#include "bench/schedulers/report.hpp"
#include "support/scratch.hpp"

using namespace tune;
using namespace tune::races;

namespace {

// Row k of twelve has x = k / 12, nine steps of k + 1 seconds each, and ends at about its distance from 7.
std::string small_task(const Scratch& scratch) {
  std::ofstream{scratch / "small.json"} << R"({"format": "tune-bench-1", "kind": "curves",
    "space": [{"name": "x", "type": "float", "low": 0, "high": 1}],
    "metrics": [{"name": "loss", "direction": "minimize", "primary": true}],
    "cost": {"column": "seconds", "kind": "measured"},
    "files": {"configs": "small.configs.csv", "curves": "small.curves.csv"}})";
  std::ofstream configs{scratch / "small.configs.csv"}, curves{scratch / "small.curves.csv"};
  configs << "config_id,x\n";
  curves << "config_id,step,seconds,loss\n";
  for (int k = 0; k < 12; ++k) {
    configs << k << ',' << k / 12.0 << '\n';
    for (int s = 1; s <= 9; ++s)
      curves << k << ',' << s << ',' << s * (k + 1) << ',' << std::abs(k - 7) + 1.0 / s << '\n';
  }
  return scratch / "";
}

Run run(const std::string& tool, std::uint64_t seed, std::vector<std::pair<double, double>> improvements) {
  Run r;
  r.tool = tool, r.version = "1", r.task = "t", r.setting = {4, 25, seed}, r.budget = 100, r.trials = 10, r.reports = 90;
  r.improvements = std::move(improvements), r.slot_seconds = 400, r.cpu = 0.5;
  return r;
}

}  // namespace

TEST_CASE("a task knows its mean length and its longest row") {
  const Scratch scratch;
  const auto tasks = read_tasks({small_task(scratch)}).value();
  REQUIRE(tasks.size() == 1);
  CHECK(tasks[0].name == "small");
  CHECK(tasks[0].steps == 9);
  CHECK(tasks[0].mean_seconds == Approx(9 * 6.5));
  CHECK_FALSE(tasks[0].maximize);
}

TEST_CASE("a folder without tasks is an error") {
  const Scratch scratch;
  CHECK_FALSE(read_tasks({scratch / ""}));
  CHECK_FALSE(read_tasks({scratch / "nothing"}));
}

TEST_CASE("a race ends with its budget, finds the best row and is the same again") {
  const Scratch scratch;
  const auto task = read_task(small_task(scratch) + "small.json").value();
  for (const auto* tool : {"random/asha:mode=stop", "tpe/auto", "random/auto:unsaved"}) {
    const auto who = entrant(tool).value();
    const auto one = race(who, task, {2, 20, 3}).value(), two = race(who, task, {2, 20, 3}).value();
    CHECK(one.tool == tool);
    CHECK(one.final_value() == Approx(1.0 / 9));
    CHECK(one.improvements.back().first <= one.budget);
    CHECK(one.slot_seconds <= 2 * one.budget * 1.0001);
    CHECK(one.improvements == two.improvements);
  }
}

TEST_CASE("an entrant that nobody knows is refused") {
  CHECK_FALSE(entrant("asha"));
  CHECK_FALSE(entrant("random/asha:fast"));
  const Scratch scratch;
  const auto task = read_task(small_task(scratch) + "small.json").value();
  CHECK_FALSE(race(entrant("random/none").value(), task, {}));
}

TEST_CASE("a run is a line and comes back as it was") {
  const Run r = run("auto/auto", 3, {{1.5, 0.25}, {2, 0.125}});
  const auto back = read_run(to_json(r)).value();
  CHECK(to_json(back) == to_json(r));
  CHECK(back.improvements == r.improvements);
  CHECK_FALSE(read_run("{\"tool\": 1}"));
  CHECK_FALSE(read_run("not JSON"));
  CHECK_FALSE(read_run(R"({"tool":"a","version":"1","task":"t","seed":0,"workers":1e30,"rounds":1,"improvements":[],"trials":1,"reports":1,"slot_seconds":1,"budget":1,"maximize":true,"cpu":1})"));
}

TEST_CASE("of a file that is being written the lines that are whole are read") {
  const Scratch scratch;
  CHECK(read_runs(scratch / "none.jsonl").value().empty());
  std::ofstream{scratch / "runs.jsonl"} << to_json(run("a", 0, {})) << '\n' << R"({"tool": "a", "ver)";
  CHECK(read_runs(scratch / "runs.jsonl").value().size() == 1);
  std::ofstream{scratch / "broken.jsonl"} << "{}\n";
  CHECK_FALSE(read_runs(scratch / "broken.jsonl"));
}

TEST_CASE("a target is reached with the first value as good; never counts as the budget") {
  Run r = run("a", 0, {{1, 5}, {3, 4}});
  CHECK(r.time_to(5) == 1);
  CHECK(r.time_to(4.5) == 3);
  CHECK(r.time_to(3) == 100);
  r.maximize = true;
  r.improvements = {{1, 5}, {3, 6}};
  CHECK(r.time_to(5.5) == 3);
  CHECK(r.time_to(7) == 100);
}

TEST_CASE("a report tells the ratio of median times to what the baseline ends with") {
  // The baseline ends at 2 (median of 1, 2, 3) and gets there after 40 (median of 20, 40, never).
  const std::vector<Run> runs{run("base", 0, {{10, 4}, {20, 1}}), run("base", 1, {{10, 4}, {40, 2}}), run("base", 2, {{10, 4}, {50, 3}}),
                              run("fast", 0, {{5, 2}}), run("fast", 1, {{10, 2}}), run("fast", 2, {{90, 1}})};
  const auto text = report(runs, {{"fast", "base"}, "base", "", true});
  CHECK(text.find("4 workers, 25 mean lengths each, 1 tasks") != std::string::npos);
  CHECK(text.find("| fast | 3 | 0.25 | 0 | 0 % | 0.333 | 0 / 1 / 0 | 10 | 100 % | 0.50 |") != std::string::npos);
  CHECK(text.find("| base | 3 | 1.00 | 0 | 33 % |") != std::string::npos);
  CHECK(text.find("| t | 2 | 40 | 0.25 (2) | 1.00 (2) |") != std::string::npos);
}

TEST_CASE("of an even number of final values the worse one in the middle is the target") {
  const auto text = report({run("a", 0, {{10, 4}, {20, 1}}), run("a", 1, {{30, 3}})}, {{}, "", "", true});
  CHECK(text.find("| t | 3 | 25 | 1.00 (3) |") != std::string::npos);  // After 20 and 30.
}

TEST_CASE("a task that a tool has no runs of is left out") {
  auto other = run("b", 0, {{1, 1}});
  other.task = "u";
  const auto text = report({run("a", 0, {{1, 1}}), other}, {});
  CHECK(text.find("no task has runs of all the tools") != std::string::npos);
}
