// SPDX-License-Identifier: Apache-2.0
// bench_schedulers run | report; README.md tells the story, --help the options.
#include <algorithm>
#include <fstream>
#include <iostream>
#include <iterator>
#include <set>
#include <tuple>

#include "bench/schedulers/report.hpp"
#include "bench/shared/verbs.hpp"

namespace po = boost::program_options;
using namespace tune;
using namespace tune::races;
using bench::complain, bench::split, bench::Verb;

namespace {

// Seed by seed over all tasks, so that what was stopped early is still balanced. What the file has is not done again.
int measure(const po::variables_map& given) {
  std::vector<Entrant> entrants;
  for (const auto& text : split(given["tool"].as<std::string>())) {
    auto one = entrant(text);
    if (!one) return complain(one.error());
    entrants.push_back(std::move(*one));
  }
  const auto tasks = read_tasks(split(given["tasks"].as<std::string>()));
  if (!tasks) return complain(tasks.error());
  const std::string out = given["out"].as<std::string>();
  const auto before = read_runs(out);
  if (!before) return complain(before.error());
  std::set<std::tuple<std::string, std::string, std::uint64_t, int, double>> done;
  for (const auto& r : *before) done.emplace(r.tool, r.task, r.setting.seed, r.setting.workers, r.setting.rounds);
  std::ofstream file{out, std::ios::app};
  const auto only = split(given["only"].as<std::string>());
  Setting how{given["workers"].as<int>(), given["rounds"].as<double>(), 0};
  const auto first = static_cast<std::uint64_t>(given["first-seed"].as<int>());
  for (how.seed = first; how.seed < first + static_cast<std::uint64_t>(given["seeds"].as<int>()); ++how.seed)
    for (const auto& task : *tasks) {
      const auto named = [&](const std::string& part) { return task.name.find(part) != std::string::npos; };
      if (!only.empty() && std::none_of(only.begin(), only.end(), named)) continue;
      for (const auto& who : entrants) {
        if (done.contains({who.label, task.name, how.seed, how.workers, how.rounds})) continue;
        const auto run = race(who, task, how);
        if (!run) return complain(run.error());
        file << to_json(*run) << '\n' << std::flush;
      }
    }
  return file ? 0 : complain({Error::Code::io, "cannot write " + printable(out), ""});
}

int show(const po::variables_map& given) {
  std::vector<Run> runs;
  for (const auto& path : given["files"].as<std::vector<std::string>>()) {
    auto some = read_runs(path);
    if (!some) return complain(some.error());
    std::move(some->begin(), some->end(), std::back_inserter(runs));
  }
  std::cout << report(runs, {split(given["tools"].as<std::string>()), given["baseline"].as<std::string>(),
                             given["only"].as<std::string>(), given.count("each") > 0});
  return 0;
}

std::vector<Verb> verbs() {
  po::options_description run_options{"Runs"}, report_options{"Report"};
  run_options.add_options()                                                                                       //
      ("tool", po::value<std::string>()->default_value("auto/auto"), "SEARCH/SCHEDULER[:option=value...][:unsaved], several")  //
      ("tasks", po::value<std::string>()->required(), "folders of curve tables of the format tune-bench-1, with commas")  //
      ("only", po::value<std::string>()->default_value(""), "tasks whose name contains one of these")              //
      ("workers", po::value<int>()->default_value(4), "slots")                                                     //
      ("rounds", po::value<double>()->default_value(25), "budget of a worker, in mean lengths of a training")      //
      ("seeds", po::value<int>()->default_value(30), "how many")                                                   //
      ("first-seed", po::value<int>()->default_value(0), "the first of them")                                      //
      ("out", po::value<std::string>()->default_value("schedulers.jsonl"), "results file; what is there is kept");
  report_options.add_options()                                                                                     //
      ("files", po::value<std::vector<std::string>>()->required(), "results files (also without the option)")       //
      ("tools", po::value<std::string>()->default_value(""), "which, in this order")                               //
      ("baseline", po::value<std::string>()->default_value(""), "whose final value is to be reached; default: the last")  //
      ("only", po::value<std::string>()->default_value(""), "only tasks whose name contains this")                 //
      ("each", "also a line for every task: ratio of times (final value)");
  return {{"run", "Lets schedulers of ours race; results are lines in a file.", run_options, measure},
          {"report", "Tables from results files.", report_options, show, "files"}};
}

}  // namespace

int main(int argc, char** argv) { return bench::carry_out("bench_schedulers", verbs(), argc, argv); }
