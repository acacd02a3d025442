// SPDX-License-Identifier: Apache-2.0
#include "search/random.hpp"

namespace tune {

std::optional<Sampler::Proposal> RandomSampler::propose(TrialId, Rng rng) const {
  if (seen_.exhausted()) return std::nullopt;
  std::vector<double> unit(space_.size());
  for (int i = 0; i < detail::kMostTries; ++i) {
    for (double& u : unit) u = rng.uniform();
    Params params = space_.decode(unit);
    if (space_.satisfies(params) && !seen_.contains(params)) return Proposal{std::move(params), "drawn at random", {}};
  }
  // Nearly all of a finite space is used up: what is left is easier found by walking.
  if (auto params = seen_.unseen(rng.next()))
    return Proposal{std::move(*params), "one of the last that were not tried", {}};
  return std::nullopt;
}

SamplerEntry random_sampler() {
  return {{"random", "Independent draws from the space."},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            return std::unique_ptr<Sampler>(std::make_unique<RandomSampler>(c.space));
          }};
}

}  // namespace tune
