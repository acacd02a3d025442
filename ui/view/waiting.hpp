// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "store/sqlite/reader.hpp"

namespace tune {

/// Why trials wait for a place on a worker, in one sentence: "3 trials wait: no worker has room: the largest free is 2 CPUs, a
/// trial needs 4". Empty where none waits for that, where nobody runs the experiment, and where this machine runs its trials: it
/// has as many places as it has. Only what the store says; agents that are shared with other experiments may have less room.
/// Costs two views, only where trials could wait.
std::string why_trials_wait(const StoreReader&, const ExperimentRow&);

}  // namespace tune
