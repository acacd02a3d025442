// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <string>

#include "ui/api/sweep.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

/// Runs one experiment in the foreground, from opening to the last line: progress, signals, commands from elsewhere,
/// metrics, the final report. `open` makes the sweep with the options it is given and its own. `spec` is what to show before it is
/// open. `again` is the command that goes on after an interruption; empty: `tune resume`. Returns the exit code.
using OpenSweep = std::function<Result<std::unique_ptr<Sweep>>(SweepOptions)>;
/// With `conclude` the sweep is a means to an end: it speaks in place of the final report, unless there was an interruption,
/// and standard output is its own (`--json` makes no events).
using Conclude = std::function<void(const Sweep&)>;
int run_here(Invocation& call, const Spec& spec, const std::string& store, const std::string& again,
             const OpenSweep& open, const Conclude& conclude = {});

}  // namespace tune
