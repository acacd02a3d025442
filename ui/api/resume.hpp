// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// May an experiment that ran with `before` go on with `after`? Budget, stop rules, parallelism, command, policies and wider
/// ranges may change; what would give old trials another meaning may not: other parameters, narrower or other kinds of
/// ranges, another objective (Error::conflict, code E040). The text says for people what changed, one "key: old -> new"
/// a line; empty: nothing did.
Result<std::string> changes(const Spec& before, const Spec& after);

}  // namespace tune
