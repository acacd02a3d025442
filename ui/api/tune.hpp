// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "tuner/trainable.hpp"
#include "ui/api/ask_tell.hpp"
#include "ui/api/sweep.hpp"

/// All a C++ program needs to tune its own code:
///
///     #include <tune/tune.hpp>
///     int main() {
///       tune::register_trainable("parabola", [](tune::Session& s) {
///         s.report(1, {{"loss", (s.number("x") - 3) * (s.number("x") - 3)}});
///       });
///       const auto outcome = tune::sweep("config.json");
///       return outcome ? outcome->exit_code : 1;
///     }
///
/// where config.json has `"trainable": {"name": "parabola"}` in place of a command.
namespace tune {

/// Reads a config file and runs its experiment to the end, resuming it if it is in the store already. `sets` are `key=value`
/// as after `--set`. Error::invalid has all that is wrong with the config, as the command line would print it.
Result<Outcome> sweep(const std::string& config_file, SweepOptions options = {}, std::vector<std::string> sets = {});

}  // namespace tune
