// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

namespace tune {

/// The `tune` that this process is, or what TUNE_PROGRAM names, or the one on the PATH where this is somebody else's program:
/// what we start as an agent, or to stand for the ranks of a trial.
std::string own_program();

}  // namespace tune
