// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "executors/recorded_problem.hpp"
#include "tuner/result.hpp"

/// Which tool finds good parameters in less time, when trials report as they go and may be ended early? README.md.
namespace tune::races {

/// A curve table, as every tool meets it.
struct Task {
  std::string name;                ///< The file's, without ".json".
  std::string params, objective;   ///< As settings of a config.
  std::shared_ptr<const Recording> recording;
  bool maximize = false;
  std::int64_t steps = 0;          ///< Of its longest row.
  double mean_seconds = 0;         ///< That a row takes to its end; a step of a table without times takes a second.
};
/// A .json of the format tune-bench-1; an Error as read_table has it.
Result<Task> read_task(const std::string& path);
/// Those in these folders, by folder and name. not_found: none.
Result<std::vector<Task>> read_tasks(const std::vector<std::string>& folders);

/// What of ours races: "SEARCH/SCHEDULER", the scheduler's options after colons: "random/asha:mode=stop:eta=4". `max_step`
/// is told where the scheduler has it. Trials can save, unless ":unsaved" ends it.
struct Entrant {
  std::string label, search, scheduler;  ///< The latter two as settings of a config.
  bool saves = true, wants_steps = false;
};
Result<Entrant> entrant(const std::string& text);

struct Setting {
  int workers = 4;
  double rounds = 25;  ///< The budget: how many rows of mean length a worker has the time for.
  std::uint64_t seed = 0;
};

/// One tool on one task: a line of a results file.
struct Run {
  std::string tool, version, task;
  Setting setting;
  bool maximize = false;
  double budget = 0;                                  ///< Seconds.
  std::vector<std::pair<double, double>> improvements;  ///< Second, and the value, better than all that were reported before.
  std::int64_t trials = 0, reports = 0;
  double slot_seconds = 0;                            ///< That trials held slots.
  double cpu = 0;                                     ///< Seconds of this machine.

  /// The best value reported by any trial at any step; NaN: none.
  double final_value() const;
  /// Seconds until a value at least as good was reported; the budget if there never was one.
  double time_to(double value) const;
};

/// In virtual time, as `tune simulate` has it.
Result<Run> race(const Entrant&, const Task&, const Setting&);

std::string to_json(const Run&);
/// corrupt: it is no such line.
Result<Run> read_run(const std::string& line);
/// The lines of a file; a last one without its end is left out. A file that is not there has none.
Result<std::vector<Run>> read_runs(const std::string& path);

}  // namespace tune::races
