// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>

#include "schedulers/bandit.hpp"
#include "schedulers/pbt.hpp"

namespace tune {

namespace detail {

/// Parker-Holder et al., "Provably efficient online hyperparameter optimization with population-based bandits", NeurIPS 2020: a
/// clone's continuous parameters are those that a model of what members gained in a stretch holds for most promising now. Others
/// change as in PBT; so do all while there is too little to learn from. learn: O(d). explore: O(n^3), n at most 200.
class Pb2Explorer final : public Explorer {
 public:
  Pb2Explorer(const Space& space, std::uint64_t seed, std::int64_t interval, ExploreRule rule);
  void learn(const Scored&) override;
  Explored explore(const Question&) const override;

 private:
  std::vector<double> point(const Params&, double reward) const;

  const Space& space_;
  std::uint64_t seed_;
  double interval_;
  ExploreRule rule_, others_;               // Of all parameters; of those that the model does not choose.
  std::vector<const Dimension*> chosen_;  // By the model.
  std::deque<Tried> outcomes_;          // The newest; the point's last coordinate is the reward before.
};

}  // namespace detail

SchedulerEntry pb2();

}  // namespace tune
