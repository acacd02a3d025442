// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

namespace tune::detail {

/// A quantile of numbers that only come in: of n numbers the ceil(share n)-th smallest, at least the first. Half is the
/// lower median. The numbers up to it lie in a heap with the greatest on top, the others in one with the least.
/// add: O(log n). at: O(1).
class Quantile {
 public:
  /// 0 < share < 1.
  explicit Quantile(double share) : share_(share) {}
  void add(double);  ///< Not NaN.
  std::int64_t size() const { return static_cast<std::int64_t>(low_.size() + high_.size()); }
  double at() const { return low_.top(); }  ///< Once there is a number.

 private:
  double share_;
  std::priority_queue<double> low_;
  std::priority_queue<double, std::vector<double>, std::greater<>> high_;
};

}  // namespace tune::detail
