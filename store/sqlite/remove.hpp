// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/result.hpp"

namespace tune {

/// Deletes an experiment: its rows and its folder with the logs. Checkpoints, which experiments may share, stay.
/// not_found: no such store or experiment. conflict: a process owns it.
Result<Done> remove_experiment(const std::string& path, const std::string& name);

}  // namespace tune
