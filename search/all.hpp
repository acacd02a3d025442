// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

#include "tuner/sampler.hpp"

namespace tune {

/// Every sampler, by the name that `search.type` gives. A new one is a file here, a line in all.cpp and a page in
/// docs/samplers.
std::span<const SamplerEntry> samplers();

}  // namespace tune
