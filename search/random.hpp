// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "search/seen.hpp"
#include "tuner/sampler.hpp"

namespace tune {

/// Independent draws from the prior of the space: the measure that every other sampler is held against, and hard to
/// beat where few of many parameters matter (Bergstra and Bengio, "Random search for hyper-parameter optimization",
/// JMLR 2012). A draw that breaks a constraint or repeats a configuration of a finite space is drawn again. propose:
/// O(d log d) a draw; learn: O(1).
class RandomSampler final : public Sampler {
 public:
  explicit RandomSampler(const Space& space) : space_(space), seen_(space) {}
  void learn(const Record& r) override { seen_.learn(r); }
  /// nullopt if none of 10,000 draws holds the constraints, or the space is used up.
  std::optional<Proposal> propose(TrialId, Rng) const override;
  bool exhausted() const override { return seen_.exhausted(); }

 private:
  const Space& space_;
  detail::Seen seen_;
};

SamplerEntry random_sampler();

}  // namespace tune
