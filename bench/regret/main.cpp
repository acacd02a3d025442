// SPDX-License-Identifier: Apache-2.0
// bench_regret list | run | report; README.md tells the story, --help the options.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <iostream>

#include "bench/regret/benchmark_folder.hpp"
#include "bench/regret/campaign.hpp"
#include "bench/regret/report.hpp"
#include "bench/shared/verbs.hpp"

namespace po = boost::program_options;
using namespace tune;
using namespace tune::regret;
using bench::complain, bench::split, bench::Verb;

namespace {

po::options_description which_problems() {
  po::options_description out{"Problems"};
  const char* folder = std::getenv("TUNE_BENCHMARKS");
  out.add_options()                                                                                            //
      ("set", po::value<std::string>()->default_value("tuning"),
       "tuning, conditional, confirm, failing, tables, networks: one or several")                              //
      ("only", po::value<std::string>()->default_value(""), "problems whose name contains this")               //
      ("benchmarks", po::value<std::string>()->default_value(folder ? folder : ""),
       "folder of tune-bench-1 tasks, for tables and networks (default: $TUNE_BENCHMARKS)");
  return out;
}

Result<std::vector<Problem>> problems_of(const po::variables_map& given) {
  std::vector<Problem> out;
  for (const auto& set : split(given["set"].as<std::string>())) {
    auto some = synthetic(set);
    if (set == "tables" || set == "networks") {
      auto read = benchmark_set(given["benchmarks"].as<std::string>(), set);
      if (!read) return read.error();
      some = std::move(*read);
    }
    if (some.empty()) return Error{Error::Code::invalid, "there is no set " + printable(set), "see --help"};
    for (auto& p : some)
      if (p.name.find(given["only"].as<std::string>()) != std::string::npos) out.push_back(std::move(p));
  }
  return out;
}

int list(const po::variables_map& given) {
  const auto problems = problems_of(given);
  if (!problems) return complain(problems.error());
  for (const auto& p : *problems) {
    const bool conditional = std::any_of(p.space.dimensions().begin(), p.space.dimensions().end(),
                                         [](const auto& d) { return !d.when.empty(); });
    std::printf("%-40s %2zu parameters%s%s\n", (p.set + "/" + p.name).c_str(), p.space.size(),
                p.space.cardinality() ? ", finite" : "", conditional ? ", conditional" : "");
  }
  return 0;
}

int measure(const po::variables_map& given) {
  Campaign c;
  if (given.count("command")) {
    c.tool = external_tool(given["command"].as<std::string>());
  } else if (given.count("tool")) {
    auto tool = sampler_tool(given["tool"].as<std::string>());
    if (!tool) return complain(tool.error());
    c.tool = std::move(*tool);
  } else {
    return complain({Error::Code::invalid, "what shall run?", "--tool SAMPLER or --command 'PROGRAM ARGUMENTS'"});
  }
  auto problems = problems_of(given);
  if (!problems) return complain(problems.error());
  c.problems = std::move(*problems);
  for (int i = 0; i < given["seeds"].as<int>(); ++i)
    c.seeds.push_back(static_cast<std::uint64_t>(given["first-seed"].as<int>() + i));
  c.setting.trials = given["trials"].as<int>(), c.setting.workers = given["workers"].as<int>();
  c.setting.noise = given["noise"].as<double>(), c.setting.random_durations = given["durations"].as<std::string>() == "random";
  c.out = given["out"].as<std::string>(), c.jobs = given["jobs"].as<int>(), c.again = given.count("again") > 0;
  const auto tally = carry_out(c);
  if (!tally) return complain(tally.error());
  for (const auto& r : tally->refused) std::fprintf(stderr, "refused: %s\n", r.c_str());
  std::fprintf(stderr, "%d runs added to %s, %d were there\n", tally->done, c.out.c_str(), tally->kept);
  return 0;
}

int show(const po::variables_map& given) {
  std::vector<Run> runs;
  for (const auto& path : given["files"].as<std::vector<std::string>>()) {
    auto some = read_runs(path);
    if (!some) return complain(some.error());
    for (auto& r : *some) runs.push_back(std::move(r));
  }
  Question q;
  q.tools = split(given["tools"].as<std::string>()), q.baseline = given["baseline"].as<std::string>();
  q.sets = split(given["set"].as<std::string>()), q.only = given["only"].as<std::string>();
  q.each_problem = given.count("each") > 0, q.pairs = given.count("pairs") > 0;
  q.at.clear();
  for (const auto& n : split(given["at"].as<std::string>())) q.at.push_back(std::atoi(n.c_str()));
  std::cout << report(runs, q);
  return 0;
}

std::vector<Verb> verbs() {
  po::options_description run_options{"Runs"}, report_options{"Report"};
  run_options.add_options()                                                                                   //
      ("tool", po::value<std::string>(), "a sampler of ours: NAME or NAME:option=value,option=value")         //
      ("command", po::value<std::string>(), "another program that speaks the protocol of README.md")          //
      ("trials", po::value<int>()->default_value(200), "finished trials of a run")                            //
      ("seeds", po::value<int>()->default_value(20), "how many")                                              //
      ("first-seed", po::value<int>()->default_value(0), "the first of them")                                 //
      ("workers", po::value<int>()->default_value(1), "trials under way at a time")                           //
      ("durations", po::value<std::string>()->default_value("random"), "of trials in virtual time: random or unit")  //
      ("noise", po::value<double>()->default_value(0), "sd of what is told, as a share of the median regret")  //
      ("jobs", po::value<int>()->default_value(1), "threads")                                                 //
      ("out", po::value<std::string>()->default_value("regret.jsonl"), "results file; what is there is kept")  //
      ("again", "also what is there");
  run_options.add(which_problems());
  report_options.add_options()                                                                                //
      ("files", po::value<std::vector<std::string>>()->required(), "results files (also without the option)")  //
      ("tools", po::value<std::string>()->default_value(""), "which, in this order: auto,optuna-tpe,auto@8 (8 workers), auto~0.05 (noise)")  //
      ("baseline", po::value<std::string>()->default_value(""), "what ratios are to; default: the first")     //
      ("at", po::value<std::string>()->default_value("25,50,100,200"), "after how many finished trials")      //
      ("set", po::value<std::string>()->default_value(""), "only of these sets")                              //
      ("only", po::value<std::string>()->default_value(""), "only problems whose name contains this")         //
      ("each", "also a line for every problem")                                                               //
      ("pairs", "instead, the first tool against each other one, on the problems that the two have");
  return {{"list", "What the sets hold.", which_problems(), list},
          {"run", "Measures a tool; results are lines in a file.", run_options, measure},
          {"report", "Tables from results files.", report_options, show, "files"}};
}

}  // namespace

int main(int argc, char** argv) { return bench::carry_out("bench_regret", verbs(), argc, argv); }
