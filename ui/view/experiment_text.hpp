// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "store/sqlite/reader.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// The settings that the experiment has now.
Result<Spec> spec_of(const ExperimentRow&);

/// running, interrupted (nobody owns it), asked (it has no program: somebody else runs its trials), finished …: the
/// state as people should read it.
std::string state_text(const ExperimentRow&);

}  // namespace tune
