// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>

#include "tuner/spec.hpp"
#include "tuner/store.hpp"
#include "ui/cli/invocation.hpp"
#include "ui/view/parameter_importance.hpp"

/// What the analysing verbs share: which objective they are about, and how a trial did by it.
namespace tune {

/// Its place in spec.objectives, from --objective NAME; the first if none is named.
Result<std::size_t> objective_of(const Invocation&, const Spec&);

}  // namespace tune
