// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "tuner/rng.hpp"

namespace tune::detail {

/// Independent categorical distributions, one an axis, that follow the better samples along the natural gradient with a
/// step that adapts to its signal-to-noise ratio (ASNG: Y. Akimoto et al., ICML 2019), each probability held above a
/// margin: the categorical half of R. Hamano et al., "CatCMA with margin", arXiv 2504.07884, with its constants.
/// sample: O(categories). tell: O(lambda axes + categories).
class Categories {
 public:
  /// The number of values of each axis, 2 or more. `margin`: least chance of all values but one together
  /// (Margin::of_mixed).
  Categories(std::vector<std::size_t> counts, double margin);

  std::size_t size() const { return chances_.size(); }
  const std::vector<double>& chances(std::size_t axis) const { return chances_[axis]; }
  /// Starts elsewhere than at equal chances; brought above the margin.
  void begin(std::size_t axis, std::vector<double> chances);

  std::vector<std::size_t> sample(Rng&) const;
  /// Categories of one generation's samples, best first; weights of the better ones, sum 1.
  void tell(std::span<const std::vector<std::size_t>> best_first, std::span<const double> weights);

 private:
  void hold_margin(std::size_t axis);

  std::vector<std::vector<double>> chances_;  // q
  std::vector<double> margins_;
  std::vector<double> path_;                  // s
  double path_power_ = 0;                     // gamma
  double divisor_ = 1;                        // Delta
  double step_ = 1;                           // delta: 1 / Delta of one generation ago.
};

}  // namespace tune::detail
