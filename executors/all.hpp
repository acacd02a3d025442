// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "tuner/executor.hpp"

namespace tune {

/// Every executor, by the name that `executor.type` gives. A new one is a file or folder here, a line in all.cpp and a page
/// in docs/executors.
std::span<const ExecutorEntry> executors();

}  // namespace tune
