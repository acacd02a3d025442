// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <vector>

#include "tuner/executor.hpp"
#include "tuner/experiment.hpp"
#include "tuner/registry.hpp"
#include "tuner/replay.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

/// From names to objects: the one place that sees every table.
namespace tune {

/// All tables, for the config reader.
const Catalogue& catalogue();

/// An experiment with the sampler and the scheduler that the spec names. `spec` outlives it. invalid: the policy refuses
/// its options or the space (a grid over a continuous parameter).
Result<std::unique_ptr<Experiment>> make_experiment(const Spec& spec);

/// The settings that a journal's Configured holds, with `sets` applied. invalid: this version cannot read them.
Result<Spec> read_effective(const std::string& config, std::vector<std::string> sets = {});

/// What decides an experiment with these settings again. corrupt: they cannot be read.
Result<Deciders> make_deciders(const std::string& config);

Result<std::unique_ptr<Executor>> make_executor(const ExecutorContext& context);

}  // namespace tune
