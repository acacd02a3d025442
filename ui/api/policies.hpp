// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "tuner/executor.hpp"
#include "tuner/experiment.hpp"
#include "tuner/registry.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

/// From names to objects: the one place that sees every table.
namespace tune {

/// All tables, for the config reader.
const Catalogue& catalogue();

/// An experiment with the sampler and the scheduler that the spec names. `spec` outlives it. invalid: the policy refuses
/// its options or the space (a grid over a continuous parameter).
Result<std::unique_ptr<Experiment>> make_experiment(const Spec& spec);

Result<std::unique_ptr<Executor>> make_executor(const ExecutorContext& context);

}  // namespace tune
