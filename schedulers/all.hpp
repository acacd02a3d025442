// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "tuner/scheduler.hpp"

namespace tune {

/// Every scheduler, by the name that `scheduler.type` gives. A new one is a file here, a line in all.cpp and a page in
/// docs/schedulers.
std::span<const SchedulerEntry> schedulers();

}  // namespace tune
