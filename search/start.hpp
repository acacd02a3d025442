// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "search/axes.hpp"
#include "tuner/rng.hpp"

namespace tune::detail {

/// The points that a search begins with, before there is anything to learn from: the middle of the space, then a scrambled
/// Sobol sequence over the axes (search/sobol.hpp).
class Start {
 public:
  Start(const Axes&, std::uint64_t seed);
  /// The middle of every numeric axis; categories as the seed says, for no one is the middle one.
  Point centre() const;
  /// Point number i of the sequence, snapped. O(d).
  Point point(std::uint32_t i) const;
  /// Drawn from the prior, snapped.
  Point random(Rng&) const;

 private:
  const Axes* axes_;
  std::vector<std::array<std::uint32_t, 32>> directions_;
  std::vector<std::uint32_t> seeds_;
};

}  // namespace tune::detail
