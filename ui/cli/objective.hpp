// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>

#include "tuner/spec.hpp"
#include "tuner/store.hpp"
#include "ui/cli/invocation.hpp"

/// What the analysing verbs share: which objective they are about, and how a trial did by it.
namespace tune {

/// Its place in spec.objectives, from --objective NAME; the first if none is named.
Result<std::size_t> objective_of(const Invocation&, const Spec&);

/// Smaller is better. +infinity: failed, infeasible, or not finite. nullopt: not settled, or cancelled by a person.
std::optional<double> score_of(const TrialRow&, const Spec&, std::size_t objective);

}  // namespace tune
