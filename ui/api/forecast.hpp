// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>

#include "executors/recorded_problem.hpp"
#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What is known before an experiment is run on.
struct Outlook {
  const Spec& spec;                     ///< As it is to be run; the search is replaced by a cheap one where it is slow.
  std::span<const Record> journal = {}; ///< What it has done so far; empty: nothing.
  double now = 0;                       ///< With a journal: the moment, at or after its last record.
  bool running = false;                 ///< Attempts that the journal holds for running do run. Else they are lost.
  std::shared_ptr<const Recording> recording = {};  ///< Without a journal: trials of this space that were measured elsewhere.
  std::optional<double> step_seconds = {};          ///< What a step takes on average, where it is not to be measured.
  std::optional<std::int64_t> steps = {};           ///< Of a trial that nobody ends; else as measured, the scheduler's max_step, or 1.
  std::optional<int> slots = {};                    ///< Trials at a time; else as before, `parallel`, or 1.
  int futures = 64;
};

/// Three quantiles over the futures: 10, 50 and 90 %.
struct Band {
  double low = 0, middle = 0, high = 0;
};

/// How it may go on. Of everything from the beginning, but for `left`.
struct Forecast {
  int futures = 0;
  int slots = 1;
  std::int64_t measured = 0;  ///< Trials whose pace it was told by.
  Band left;                  ///< Seconds from `now` to the end.
  Band seconds, slot_seconds, trials, failed;
  std::map<std::pair<int, std::int64_t>, Band> rungs;  ///< Trials judged, by bracket and step.
};

/// Runs the experiment to its end many times, in virtual time, with its own policies. Each future draws a state of the world
/// that is compatible with what was measured: the pace of trials and how it depends on parameters (PaceModel), the rate of
/// failures (gamma posterior), the steps that trials take (Bayesian bootstrap, Rubin 1981), curves (of measured trials that
/// are near, moved by a smoothed bootstrap's kernel). Attempts under way go on from where they are.
///
/// That somebody steers, that stop.target is reached by a trial better than all measured ones, or that the machine changes, it
/// does not foresee. not_found: nothing was measured yet and no pace is given. Costs `futures` times folding the journal
/// and simulating the rest, about 2 microseconds a record. Draws by the spec's seed: the same again for the same input.
Result<Forecast> forecast(const Outlook&);

/// As many futures, at most 64, as can be simulated with about so many records in all; 0: fewer than 16.
int affordable_futures(const Outlook&, std::int64_t records);

}  // namespace tune
