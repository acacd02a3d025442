// SPDX-License-Identifier: Apache-2.0
#include "bench/schedulers/report.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "bench/shared/results.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::races {
namespace {

using bench::heading, bench::number, bench::row;
using Seeds = std::map<std::uint64_t, const Run*>;  // The newest line of a run counts.

template <class F>
double middle(const Seeds& runs, F&& what) {
  std::vector<double> all;
  for (const auto& [seed, run] : runs) all.push_back(what(*run));
  return median(std::move(all));
}

// The median; of an even number the worse of the two in the middle, so that more than half of these runs come to it.
double usual_end(const Seeds& runs) {
  std::vector<double> ends;
  for (const auto& [seed, run] : runs) ends.push_back(run->maximize ? -run->final_value() : run->final_value());
  std::sort(ends.begin(), ends.end());
  const double end = ends[ends.size() / 2];
  return runs.begin()->second->maximize ? -end : end;
}

/// What the tools came to with so many workers.
class Table {
 public:
  Table(const std::vector<Run>& runs, const Question& q, int workers, double rounds) {
    for (const auto& r : runs)
      if (r.setting.workers == workers && r.setting.rounds == rounds && r.task.find(q.only) != std::string::npos) {
        if (!runs_.contains(r.tool)) tools_.push_back(r.tool);
        runs_[r.tool][r.task][r.setting.seed] = &r;
      }
    if (!q.tools.empty()) tools_ = q.tools;
    if (tools_.empty()) return;
    baseline_ = q.baseline.empty() ? tools_.back() : q.baseline;
    for (const auto& [task, seeds] : runs_[baseline_])
      if (std::all_of(tools_.begin(), tools_.end(), [&, name = &task](auto& t) { return runs_[t].contains(*name); }))
        tasks_.push_back(task);
    for (const auto& task : tasks_) look(task);
  }

  std::string text(bool each) const {
    if (tasks_.empty()) return "no task has runs of all the tools\n";
    std::string out = heading({"tool", "seeds", "time", "slower", "never", "regret", "better / equal / worse", "trials", "use", "CPU s"});
    for (const auto& t : tools_) out += line(t);
    return each ? out + "\n" + by_task() : out;
  }
  std::size_t tasks() const { return tasks_.size(); }

 private:
  struct Goal {
    double value = 0, time = 0, best = 0, first = 0;
    bool maximize = false;
  };
  const Seeds& seeds(const std::string& tool, const std::string& task) const { return runs_.at(tool).at(task); }

  void look(const std::string& task) {
    Goal g;
    const Seeds& base = seeds(baseline_, task);
    g.maximize = base.begin()->second->maximize;
    g.value = usual_end(base);
    g.time = middle(base, [&](const Run& r) { return r.time_to(g.value); });
    g.first = middle(base, [](const Run& r) { return r.improvements.empty() ? std::nan("") : r.improvements.front().second; });
    g.best = g.value;
    for (const auto& [tool, by_task] : runs_)
      if (const auto at = by_task.find(task); at != by_task.end())
        for (const auto& [seed, run] : at->second)
          if (const double v = run->final_value(); g.maximize ? v > g.best : v < g.best) g.best = v;
    goals_[task] = g;
  }

  double ratio(const std::string& tool, const std::string& task) const {
    const Goal& g = goals_.at(task);
    return middle(seeds(tool, task), [&](const Run& r) { return r.time_to(g.value); }) / g.time;
  }
  double value(const std::string& tool, const std::string& task) const {
    return usual_end(seeds(tool, task));
  }

  std::string line(const std::string& tool) const {
    std::vector<double> ratios, regrets;
    std::set<std::size_t> counts;
    int slower = 0, better = 0, equal = 0, never = 0, runs = 0;
    double trials = 0, use = 0, cpu = 0;
    for (const auto& task : tasks_) {
      const Goal& g = goals_.at(task);
      const double v = value(tool, task);
      ratios.push_back(ratio(tool, task));
      slower += ratios.back() > 1;
      if (g.first != g.best) regrets.push_back((v - g.best) / (g.first - g.best));
      better += g.maximize ? v > g.value : v < g.value, equal += v == g.value;
      counts.insert(seeds(tool, task).size());
      for (const auto& [seed, r] : seeds(tool, task)) {
        const double end = r->final_value();
        never += !(g.maximize ? end >= g.value : end <= g.value);
        trials += static_cast<double>(r->trials), use += r->slot_seconds / (r->budget * r->setting.workers), cpu += r->cpu, ++runs;
      }
    }
    const auto tasks = static_cast<int>(tasks_.size());
    const std::string number_of_seeds =
        std::to_string(*counts.begin()) + (counts.size() > 1 ? " to " + std::to_string(*counts.rbegin()) : "");
    return row({tool, number_of_seeds, number(geometric_mean(ratios), "%.2f"), std::to_string(slower), number(100.0 * never / runs, "%.0f %%"),
                number(mean(regrets), "%.3f"),
                std::to_string(better) + " / " + std::to_string(equal) + " / " + std::to_string(tasks - better - equal),
                number(trials / runs, "%.0f"), number(100 * use / runs, "%.0f %%"), number(cpu / runs, "%.2f")});
  }

  std::string by_task() const {
    std::vector<std::string> cells{"task", "to reach", "in s"};
    for (const auto& t : tools_) cells.push_back(t);
    std::string out = heading(cells);
    for (const auto& task : tasks_) {
      const Goal& g = goals_.at(task);
      cells = {task, number(g.value, "%.6g"), number(g.time, "%.0f")};
      for (const auto& t : tools_) cells.push_back(number(ratio(t, task), "%.2f") + " (" + number(value(t, task), "%.6g") + ")");
      out += row(cells);
    }
    return out;
  }

  std::map<std::string, std::map<std::string, Seeds>> runs_;  // By tool and task.
  std::vector<std::string> tools_, tasks_;
  std::string baseline_;
  std::map<std::string, Goal> goals_;
};

}  // namespace

std::string report(const std::vector<Run>& runs, const Question& q) {
  std::set<std::pair<int, double>> settings;
  for (const auto& r : runs) settings.emplace(r.setting.workers, r.setting.rounds);
  std::string out;
  for (const auto& [workers, rounds] : settings) {
    const Table table{runs, q, workers, rounds};
    out += (out.empty() ? "" : "\n") + std::to_string(workers) + " workers, " + number(rounds, "%g") + " mean lengths each, " +
           std::to_string(table.tasks()) + " tasks\n\n" + table.text(q.each_task);
  }
  return out.empty() ? "no runs\n" : out;
}

}  // namespace tune::races
