// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "executors/simulator.hpp"
#include "tuner/result.hpp"

namespace tune {

/// What an experiment came to that ran in virtual time, in its own time.
struct VirtualRun {
  bool finished = false;     ///< Else it could not go on: a person has paused it, say.
  double began = 0, ended = 0;
  double slot_seconds = 0;   ///< That attempts held a slot.
  double use = 0;            ///< Share of the slots' time that attempts held, where all of it was virtual.
  std::int64_t trials = 0, failed = 0, reports = 0;
  std::optional<double> best;  ///< As the user reports it.
  /// Each time that a trial's value was better than all before it, whether or not the trial was over.
  struct Improvement {
    double at = 0, value = 0;
  };
  std::vector<Improvement> improvements;
  /// Trials that were judged at a rung, by bracket and step.
  std::map<std::pair<int, std::int64_t>, std::int64_t> rungs;

  double seconds() const { return ended - began; }
  /// Seconds until a value as good as this was reported; nullopt: never.
  std::optional<double> reached(double value, bool maximize) const;
};

/// Runs an experiment to its end in virtual time, with the policies that the spec names, deciding as it would live. Its
/// journal is forgotten. With `journal`, the records of an experiment so far, it goes on from there; attempts that they
/// hold for running are lost unless `options.under_way` has them. `kept` takes every record, those folded included. invalid: a policy refuses the spec, or nothing in it says
/// when the experiment is over.
Result<VirtualRun> run_in_virtual_time(const Spec& spec, std::unique_ptr<Problem> problem, const SimulatorOptions& options,
                                       std::span<const Record> journal = {}, std::vector<Record>* kept = nullptr);

}  // namespace tune
