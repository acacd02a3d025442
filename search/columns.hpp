// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <utility>
#include <vector>

#include "search/axes.hpp"

namespace tune::detail {

/// The coordinates of trials, axis by axis, with a bounded share of the trials held in order of each coordinate: what density
/// estimators need at every question and would otherwise sort anew. The share is the `newest` trials and, of all older ones,
/// the `older` whose hashed number is smallest, which is a fair draw that does not depend on when it is made.
/// k = newest + older, d axes. Memory: 4 d bytes a trial.
class Columns {
 public:
  Columns(std::size_t axes, std::size_t newest, std::size_t older);

  /// The next trial, in the order of Trials::all(). O(d (log k + k / 30)) by movement of memory, microseconds.
  void add(const Point&);

  std::size_t size() const { return size_; }
  /// By trial; a quiet NaN where the coordinate is inactive.
  std::span<const float> column(std::size_t axis) const { return columns_[axis]; }
  /// The share, numbers rising. O(k).
  std::vector<std::uint32_t> kept() const;
  /// Those of the share that have the coordinate, it rising and equal ones by number.
  const std::vector<std::uint32_t>& sorted(std::size_t axis) const { return sorted_[axis]; }
  /// How many trials a kept one stands for: 1 for the newest.
  double weight(std::uint32_t trial) const;

 private:
  void enter(std::uint32_t trial);
  void leave(std::uint32_t trial);
  void retire(std::uint32_t trial);

  std::size_t newest_, older_, size_ = 0;
  std::vector<std::vector<float>> columns_;
  std::vector<std::vector<std::uint32_t>> sorted_;
  std::vector<std::pair<std::uint64_t, std::uint32_t>> drawn_;  // Hash and number of the older ones, hashes rising.
  std::vector<std::uint32_t> old_;                              // Their numbers, rising.
};

}  // namespace tune::detail
