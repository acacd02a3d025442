// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "search/lattice.hpp"
#include "search/seen.hpp"
#include "tuner/sampler.hpp"

namespace tune {

/// Every combination of the parameters' values, once each, the last parameter changing fastest. Conditional parameters
/// multiply only where they are active. Combinations that break a constraint, or that a person tried before, are passed
/// over. propose: O(d). learn: O(d) amortised over the grid, as long as it takes to get to the next combination that
/// holds the constraints.
class GridSampler final : public Sampler {
 public:
  /// `values`: those of each dimension of the space, none empty.
  GridSampler(const Space& space, std::vector<std::vector<Value>> values);
  void learn(const Record&) override;
  std::optional<Proposal> propose(TrialId, Rng) const override;
  bool exhausted() const override { return done_; }

 private:
  void settle();

  const Space& space_;
  detail::Lattice lattice_;  // At the combination to propose next.
  std::unordered_set<std::uint64_t> tried_;
  bool done_ = false;
};

SamplerEntry grid_sampler();

}  // namespace tune
