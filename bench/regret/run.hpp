// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

#include "bench/regret/problem.hpp"
#include "bench/regret/tool.hpp"
#include "tuner/result.hpp"

namespace tune::regret {

/// How a tool is put to work.
struct Setting {
  std::uint64_t seed = 0;
  int trials = 200;
  int workers = 1;               ///< Trials under way at a time.
  bool random_durations = true;  ///< In virtual time, log-normal around one; else every trial takes as long.
  double noise = 0;              ///< Standard deviation of what is told, as a share of the median regret.
};

/// One tool, one problem, one seed: a line of a results file.
struct Run {
  std::string tool, version, set, problem;
  Setting setting;
  int finished = 0;                              ///< Below setting.trials: nothing more was proposed.
  std::vector<std::pair<int, double>> best;      ///< (finished trials, value) wherever the value of the best seen changed.
  std::vector<int> failed;                       ///< Which finished trials failed, counted from 1.
  int repeats = 0;                               ///< Trials with parameters that had been tried before.
  double cpu_mean_ms = 0, cpu_median_ms = 0;     ///< Per suggestion, telling included.
  std::optional<double> optimum;
  Reference reference;
  double floor_share = 0;
};

/// Asynchronous in virtual time: whenever a trial finishes the next is asked for, until `trials` have finished. With
/// noise the tool sees value + noise, and `best` holds the true value of what looked best.
Result<Run> run(Tool&, const Problem&, const Reference&, const Setting&);

std::string to_json(const Run&);
/// Error::corrupt for a line that is none of ours.
Result<Run> read_run(const std::string& line);
/// Reads a results file; a missing one is empty. A last line that a kill cut short is left out.
Result<std::vector<Run>> read_runs(const std::string& path);

}  // namespace tune::regret
