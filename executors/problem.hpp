// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "tuner/ids.hpp"
#include "tuner/result.hpp"
#include "tuner/space.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// How one simulated trial would go if nobody stopped it.
struct Trajectory {
  std::int64_t steps = 1;  ///< It ends by itself after so many.
  std::function<void(std::int64_t step, std::span<double> values)>
      measure;  ///< Fills one value a metric. Step counts from 1.
  std::function<double(std::int64_t step)>
      seconds;  ///< From the step reported before, on a worker of speed 1; empty: the simulator's for each step.
  std::function<std::int64_t(std::int64_t step)> next = {};  ///< The step that is reported after this one; empty: the next.
  std::optional<std::int64_t> fails_at = {};  ///< It ends with exit code 1 where it would report this step or a later one.
  std::optional<double> start_seconds = {};   ///< From launch to Started; absent: the simulator's.
  std::function<std::string(std::int64_t step)> state = {};  ///< What a checkpoint of this step holds besides the step, as text; empty: nothing.
};

/// What simulated trials measure: a function of parameters and step. Immutable; asked by one thread.
class Problem {
 public:
  virtual ~Problem() = default;
  virtual const std::vector<std::string>& metrics() const = 0;
  virtual Trajectory course(const Params&) const = 0;
  /// How this attempt goes, where something is drawn for each (by a seed of the problem's own): the same when asked again.
  virtual Trajectory attempt(const Params& params, TrialId, int /*number*/) const { return course(params); }
  /// How it goes on from a checkpoint, its own or another trial's, where what was done before makes a difference. `state` is
  /// what the course that saved it gave.
  virtual Trajectory resume(const Params& params, TrialId trial, int number, std::int64_t /*step*/, const std::string& /*state*/) const {
    return attempt(params, trial, number);
  }
};

/// The problem that `from` names: a built-in function (branin, rosenbrock, curve, pbt) or the path of a table task, a .json
/// file of the format tune-bench-1 beside its CSV files (docs/executors/simulator.md). A table's repeats are drawn by the spec's seed. `steps` above 0 replaces the
/// number of steps of a built-in one. The first objective's metric is what a built-in function reports. The spec
/// outlives the problem.
Result<std::unique_ptr<Problem>> find_problem(const std::string& from, const Spec&, std::int64_t steps);

}  // namespace tune
