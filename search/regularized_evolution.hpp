// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <deque>

#include "search/arm.hpp"
#include "search/individual.hpp"

namespace tune {
namespace detail {

/// Regularised, or ageing, evolution: a trial is changed in one parameter, the best of a few drawn from the newest ones. The
/// oldest leaves the population, however good: what lives on must prove itself again in its children, which keeps luck and
/// plateaus from taking over. learn: O(d); suggest: O(tournament + d).
class RegularizedEvolutionArm final : public Arm {
 public:
  struct Settings {
    std::size_t population = 20, tournament = 50;
  };
  RegularizedEvolutionArm(const Axes& axes, Settings settings) : axes_(axes), settings_(settings) {}
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;

 private:
  const Axes& axes_;
  Settings settings_;
  Arrivals arrivals_;
  std::deque<Individual> population_;  // The oldest first.
};

}  // namespace detail

/// Real, Aggarwal, Huang and Le, "Regularized evolution for image classifier architecture search", AAAI 2019, algorithm 1.
SamplerEntry regularized_evolution_sampler();

}  // namespace tune
