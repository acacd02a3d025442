// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "search/nsga2.hpp"

namespace tune {
namespace detail {

/// Directions spread evenly over the simplex of `objectives` corners, at most `most` of them: as many divisions as fit (Das
/// and Dennis, "Normal-boundary intersection", SIAM J. Optim. 8(3), 1998). Where those are too few to have one in the
/// inside, a second layer at half the size fills it (Deb and Jain 2014, section V). Row after row, each with sum 1.
std::vector<std::vector<double>> reference_directions(std::size_t objectives, std::size_t most);

/// Keeps every direction populated: the population gives up one of those who are many along the same direction.
class Niches final : public Survival {
 public:
  explicit Niches(std::vector<std::vector<double>> directions) : directions_(std::move(directions)) {}
  std::size_t leaves(const Outcomes&, const std::vector<std::size_t>& before,
                     const std::vector<std::size_t>& last) const override;
  /// All equal: parents of a front are drawn at random, as in the paper.
  std::vector<double> preferences(const Outcomes&, const std::vector<std::vector<std::size_t>>&) const override;

 private:
  std::vector<std::vector<double>> directions_;
};

}  // namespace detail

/// NSGA-III (Deb and Jain, "An evolutionary many-objective optimization algorithm using reference-point-based
/// nondominated sorting approach, part I", IEEE TEC 18(4), 2014; constraints as in part II), in steady state.
SamplerEntry nsga3_sampler();

}  // namespace tune
