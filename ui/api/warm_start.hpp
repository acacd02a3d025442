// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// Reads what `warm_start` of a config asks for from the store, beside whoever owns those experiments: one fact for each,
/// in the order of the config, to be recorded before the first decision of the new experiment. Finished or not, an
/// experiment teaches what it knows by now. not_found, invalid: which experiment cannot teach, and why. Reads their whole
/// journals.
Result<std::vector<Imported>> read_lessons(const Spec& into, const std::string& store);

}  // namespace tune
