// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

#include "tuner/ids.hpp"
#include "tuner/rng.hpp"

namespace tune {

/// The seed that a trial is given, the same in every attempt and under every executor. 31 bits: every framework takes it.
inline std::uint64_t trial_seed(std::uint64_t experiment_seed, TrialId trial) {
  return Rng(experiment_seed, Purpose::seed, trial.value).next() >> 33;
}

}  // namespace tune
