// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <vector>

#include "search/axes.hpp"
#include "search/cma/strategy.hpp"

namespace tune::detail {

/// Keeps a normal distribution from freezing on one level of the ordered axes: the chance to sample another level than
/// that of the mean never falls below a margin, however small sigma becomes. R. Hamano, S. Saito, M. Nomura, S.
/// Shirakawa, "CMA-ES with margin", GECCO 2022 (arXiv 2205.13482), in the form that its authors gave it in "CatCMA with
/// margin" (arXiv 2504.07884): the margin is lower where a level was not left successfully, and what lies on another
/// level is moved to its middle before the update. The space's levels may be unevenly far apart; the border of two is
/// half way between them.
class Margin {
 public:
  /// `gaussian`: the axis of the space that each axis of the distribution stands for. `margin`: least chance, in (0,
  /// 0.5).
  Margin(const Axes&, std::vector<std::size_t> gaussian, double margin);

  /// Of CMA-ES with margin: 1 / (d lambda).
  static double of_numbers(std::size_t axes, int population);
  /// Of CatCMA with margin: such that 73 % of the samples keep all of so many discrete axes where they are.
  static double of_mixed(std::size_t discrete);

  /// The level whose middle is nearest to x on an axis of the distribution; x itself on real ones.
  double level(std::size_t i, double x) const;
  /// Before CmaEs::tell: moves samples, best first, to the middles of the levels that they stand for. O(mu) an ordered
  /// axis.
  void centre(std::vector<Eigen::VectorXd>& best_first, const CmaEs&);
  /// After CmaEs::tell: O(1) an ordered axis.
  void correct(CmaEs&);

 private:
  /// A level and its borders; an outermost one has one border only, which stands in for both.
  struct Cell {
    double middle, low, high;
    bool outermost() const { return low == high; }
  };
  Cell cell(std::size_t i, double x) const;
  void correct_edge(std::size_t k, const Cell&, CmaEs&);
  void correct_inside(std::size_t k, const Cell&, CmaEs&);

  struct Ordered {
    std::size_t axis;           // Of the distribution.
    double rate = 0.5 - 1e-8;   // The chance to leave the level, as last set.
    bool left = false;          // One of the better half lay on another level.
  };
  const Axes* axes_;
  std::vector<std::size_t> gaussian_;
  std::vector<Ordered> ordered_;
  double margin_;
};

}  // namespace tune::detail
