// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "search/arm.hpp"
#include "search/individual.hpp"

namespace tune {
namespace detail {

/// Differential evolution, one trial at a time: every slot of the population is challenged in turn by a point that differs
/// from another member by the scaled difference of two more, and whoever is better keeps the slot, at once (Awad, Mallik
/// and Hutter, "DEHB", IJCAI 2021, call it immediate replacement). So no worker waits for a generation. Trials that
/// nobody bred (the initial design, people's, imported ones) fill free slots, then take the worst one's if they are better.
/// learn: O(population); suggest: O(population + d).
class DifferentialEvolutionArm final : public Arm {
 public:
  struct Settings {
    std::size_t population = 16;
    double weight = 0.5;     ///< F: how much of a difference is added.
    double crossover = 0.7;  ///< CR: how likely a coordinate comes from the mutant.
    bool to_best = true;     ///< current-to-best/1 instead of rand/1.
    bool midpoint = false;   ///< What leaves the space lands between its target and the bound, instead of anywhere.
  };
  DifferentialEvolutionArm(const Axes& axes, Settings settings) : axes_(axes), settings_(settings) {}
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;

 private:
  void arrive(const Individual&);
  std::size_t slot_of(TrialId) const;  ///< kNone: nobody's challenger.
  std::size_t best() const;
  Point mutant(const Point& base, const Point& target, const Point& plus, const Point& minus, const Point* best, Rng&) const;
  double within(double coordinate, double target, Rng&) const;

  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  const Axes& axes_;
  Settings settings_;
  Arrivals arrivals_;
  std::vector<Individual> members_;  // By slot.
  std::vector<std::int64_t> asked_;  // By slot: how often it was challenged.
  std::vector<std::uint32_t> slots_; // By trial: the slot it challenges, from 1; 0: none.
};

}  // namespace detail

/// Storn and Price, "Differential evolution - a simple and efficient heuristic for global optimization over continuous
/// spaces", Journal of Global Optimization 11, 1997.
SamplerEntry de_sampler();

}  // namespace tune
