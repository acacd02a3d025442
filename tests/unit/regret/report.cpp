// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/report.hpp"

#include <catch2/catch.hpp>

#include "bench/regret/scores.hpp"
#include "unit/regret/fixtures.hpp"

using namespace tune;
using namespace tune::regret;
using namespace tune::regret::test;

namespace {

std::vector<Run> renamed(std::vector<Run> runs, const std::string& tool) {
  for (auto& r : runs) r.tool = tool;
  return runs;
}

std::vector<Run> both(std::vector<Run> a, const std::vector<Run>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// The cells of the line about a tool, in the table of the first number of trials.
std::vector<std::string> line_of(const std::string& report, const std::string& tool) {
  const auto begin = report.find("\n| " + tool + " |") + 1;
  std::string line = report.substr(begin, report.find('\n', begin) - begin);
  std::vector<std::string> out;
  for (std::size_t at = 2; at < line.size();) {
    const auto end = line.find(" |", at);
    out.push_back(line.substr(at, end - at));
    at = end + 3;
  }
  return out;
}

enum Column { kTool, kSeeds, kRank, kRatio, kBetter, kWorse, kP, kNormalised, kShare, kWon };

}  // namespace

TEST_CASE("a tool that proposes the optimum has no regret", "[regret]") {
  const Problem p = parabola();
  Scripted oracle{[](std::int64_t) { return at(0.25); }};
  auto runs = runs_of("random", p, 0, 5, 20);
  Setting s;
  s.trials = 20;
  runs.push_back(run(oracle, p, measure_reference(p), s).value());
  const detail::Scores scores{runs};
  CHECK(scores.regrets("scripted", "test/parabola", 20) == std::vector<double>{0});
  Question q;
  q.tools = {"scripted", "random"}, q.at = {20};
  CHECK(line_of(report(runs, q), "scripted")[kRank] == "1.00");
  CHECK(line_of(report(runs, q), "random")[kRank] == "2.00");
}

TEST_CASE("a tool against itself is neither better nor worse", "[regret]") {
  std::vector<Run> runs;
  for (const auto& p : synthetic("failing")) runs = both(runs, runs_of("random", p, 0, 5, 30));
  Question q;
  q.tools = {"random", "same"}, q.at = {30};
  const auto line = line_of(report(both(runs, renamed(runs, "same")), q), "same");
  CHECK(line[kRank] == "1.50");
  CHECK(line[kRatio] == "1");
  CHECK(line[kBetter] == "0 / 5 / 0");
  CHECK(line[kP] == "1");
  CHECK(line[kShare] == "1.00");
}

TEST_CASE("pairs are compared where the two have runs, and Holm corrects over the pairs", "[regret]") {
  // One seed, one trial: the first tool has regret 1 on eight problems, the others what is said here.
  std::vector<Run> runs;
  const auto say = [&](const std::string& tool, const std::vector<double>& regrets) {
    for (std::size_t i = 0; i < regrets.size(); ++i) {
      Run r = runs_of("random", parabola(), 0, 1, 1).front();
      r.tool = tool, r.problem = "p" + std::to_string(i), r.best = {{1, regrets[i]}};
      runs.push_back(std::move(r));
    }
  };
  say("ours", std::vector<double>(8, 1));
  say("a", {2, 3, 4, 5, 6, 7, 8, 9});   // Worse on all eight: two-sided p = 2 / 2^8.
  say("b", {2, 3, 4, 5, 6, 7});         // On all six that it has: 2 / 2^6.
  say("c", {0.5, 3, 4, 5, 6});          // The smallest of five differences is against us: 2 * 2 / 2^5.
  Question q;
  q.tools = {"ours", "c", "a", "b", "absent"}, q.at = {1}, q.pairs = true;
  const auto text = report(runs, q);
  enum { kOther, kProblems, kSeeds, kRatio, kOutcomes, kP, kHolm };
  const auto a = line_of(text, "a"), b = line_of(text, "b"), c = line_of(text, "c");
  CHECK((a[kProblems] == "8" && b[kProblems] == "6" && c[kProblems] == "5"));
  CHECK(a[kOutcomes] == "8 / 0 / 0");
  CHECK(c[kOutcomes] == "4 / 0 / 1");
  CHECK((a[kP] == "0.00781" && b[kP] == "0.0312" && c[kP] == "0.125"));
  CHECK((a[kHolm] == "0.0234" && b[kHolm] == "0.0625" && c[kHolm] == "0.125"));  // Times 3, 2 and 1.
  CHECK(line_of(text, "absent")[kProblems] == "0");
}

TEST_CASE("random search with other seeds is not significantly different from itself", "[regret]") {
  std::vector<Run> runs;
  for (const auto& p : synthetic("tuning"))
    if (p.space.size() <= 5)
      runs = both(both(runs, runs_of("random", p, 0, 11, 50)), renamed(runs_of("random", p, 100, 11, 50), "other"));
  Question q;
  q.tools = {"random", "other"}, q.at = {50};
  const auto line = line_of(report(runs, q), "other");
  CHECK(std::stod(line[kRatio]) == Approx(1).margin(0.25));
  CHECK(std::stod(line[kP]) > 0.05);
}

TEST_CASE("the newest run of a seed counts, and a shorter one does not replace a longer one", "[regret]") {
  auto runs = runs_of("random", parabola(), 0, 1, 20);
  auto newer = runs.front(), shorter = runs.front();
  newer.best = {{1, 0.04}};
  shorter.best = {{1, 0.01}}, shorter.setting.trials = 10;
  const detail::Scores scores{{runs.front(), newer, shorter}};
  CHECK(scores.regrets("random", "test/parabola", 20).value().front() == Approx(0.04));
}

TEST_CASE("a run that did not go far enough is not counted", "[regret]") {
  const detail::Scores scores{runs_of("random", parabola(), 0, 2, 20)};
  CHECK_FALSE(scores.regrets("random", "test/parabola", 21));
}

TEST_CASE("where no optimum is known the best of all runs stands for it", "[regret]") {
  auto runs = runs_of("random", parabola(), 0, 2, 20);
  for (auto& r : runs) r.optimum.reset();
  runs[1].best.back().second = -1;
  const detail::Scores scores{runs};
  CHECK(scores.regrets("random", "test/parabola", 20).value()[1] == 0);
  CHECK(scores.regrets("random", "test/parabola", 20).value()[0] > 1);
}

TEST_CASE("workers and noise are part of a tool's name in reports", "[regret]") {
  Run r;
  r.tool = "tpe";
  CHECK(label(r) == "tpe");
  r.setting.workers = 8, r.setting.noise = 0.05;
  CHECK(label(r) == "tpe@8~0.05");
}
