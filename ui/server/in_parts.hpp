// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <functional>

#include "tuner/result.hpp"

namespace tune {

/// How many parts a large reading is worth: one a core, and four at most.
std::size_t useful_parts();

/// Calls `work` with 0, 1, … `parts` - 1, each on a thread of its own, and waits for all. The error of the first part that
/// has one. `work` throws nothing.
Result<Done> in_parts(std::size_t parts, const std::function<Result<Done>(std::size_t)>& work);

}  // namespace tune
