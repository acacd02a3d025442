// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "executors/engines/autoalloc.hpp"
#include "tuner/allocator.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// Autoalloc as an experiment's policy: what the experiment could use is read off its history. Null: its executor is no engine.
/// Error (invalid): its settings could never get a trial an agent.
Result<std::unique_ptr<Allocator>> engine_allocator(const Spec&);

/// What `executor` says of agents and allocations, for any engine.
std::vector<Option> allocation_options();

}  // namespace tune
