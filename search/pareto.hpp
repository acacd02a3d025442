// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "tuner/front.hpp"

namespace tune {

/// What trials came to in several objectives: one row a trial, smaller is better in every column. NaN becomes +infinity
/// on the way in, because the unknown must never win; infinities are ordinary values to all that compares.
class Outcomes {
 public:
  explicit Outcomes(std::size_t objectives) : objectives_(objectives) {}
  /// `values`: row after row.
  Outcomes(std::size_t objectives, std::span<const double> values);
  Outcomes(std::size_t objectives, std::initializer_list<double> values);

  void add(std::span<const double> row);
  void reserve(std::size_t rows) { values_.reserve(rows * objectives_); }
  std::size_t size() const { return objectives_ == 0 ? 0 : values_.size() / objectives_; }
  bool empty() const { return values_.empty(); }
  std::size_t objectives() const { return objectives_; }
  std::span<const double> operator[](std::size_t row) const { return {&values_[row * objectives_], objectives_}; }

 private:
  std::size_t objectives_;
  std::vector<double> values_;
};

/// The front of each row, 0 the best: what remains non-dominated when all better fronts are taken away. Equal rows share
/// a front. With `violations` (one a row; the summed violation of constraints, feasible if <= 0, NaN the worst)
/// domination is constrained (Deb and others, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE
/// TEC 6(2), 2002, definition 1): feasible before infeasible, and of the infeasible the smaller violation. Among equal
/// violations we go on by domination, where the paper stops.
///
/// Efficient non-dominated sort with binary search (Zhang and others, "An efficient approach to nondominated sorting
/// for evolutionary multiobjective optimization", IEEE TEC 19(2), 2015). n rows, m objectives: O(n log n) for m <= 2,
/// O(n log^2 n) for m = 3 as far as comparisons go, O(m n log n) typical and O(m n^2) at worst beyond.
std::vector<std::size_t> ranks(const Outcomes&, std::span<const double> violations = {});

/// The rows of each front in ascending order, from what ranks() gave.
std::vector<std::vector<std::size_t>> fronts(std::span<const std::size_t> ranks);

/// The rows that no other dominates, in ascending order; equal ones all stay. As cheap as ranks(), and cheaper where
/// most rows are dominated.
std::vector<std::size_t> pareto_front(const Outcomes&);

/// How lonely each row of `front` is among them (Deb 2002, section III.B): the sum over objectives of the distance
/// between its two neighbours in units of the front's range; +infinity at the ends of each objective. Rows with an
/// infinite value do not widen the range. O(m n log n).
std::vector<double> crowding_distances(const Outcomes&, std::span<const std::size_t> front);

}  // namespace tune
