// SPDX-License-Identifier: Apache-2.0
#include "search/all.hpp"

#include "search/random.hpp"

namespace tune {

std::span<const SamplerEntry> samplers() {
  static const SamplerEntry all[] = {random_sampler()};
  return all;
}

}  // namespace tune
