// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <vector>

#include "search/pareto.hpp"

/// The volume that a set of outcomes dominates, up to a reference point. Everywhere: only rows that are better than the
/// reference in every objective count, dominated and repeated rows are harmless, and a counted row with an objective of
/// -infinity has an infinite volume. n rows, m objectives.
namespace tune {

/// Exact. O(n log n) for m <= 3 (m = 3: a sweep along the third objective; the staircase of the other two moves O(n)
/// entries at worst). Beyond that by exclusive volumes, in the order of the last objective (While, Bradstreet and Barone,
/// "A fast way of calculating exact hypervolumes", IEEE TEC 16(1), 2012): O(n^2 log n) for m = 4, exponential in m.
double hypervolume(const Outcomes&, std::span<const double> reference);

/// What the hypervolume would lose without each row; 0 for those that do not count, are dominated or have a twin.
/// O(n log n) for a front of two objectives, n times hypervolume() otherwise.
std::vector<double> hypervolume_contributions(const Outcomes&, std::span<const double> reference);

/// At most `count` rows that together have a large hypervolume, in the order of their choice: each time the row that
/// adds most, the first of equals. At least 1 - 1/e of the best possible (the volume is submodular). Rows that add
/// nothing come last, in ascending order. m = 2: O(count n); otherwise lazily, with old gains as upper bounds (Minoux
/// 1978; for hypervolumes Guerreiro, Fonseca and Paquete, "Greedy hypervolume subset selection in low dimensions",
/// Evolutionary Computation 24(3), 2016).
std::vector<std::size_t> greedy_hypervolume_subset(const Outcomes&, std::size_t count, std::span<const double> reference);

/// The usual choice when nobody gave one: a tenth beyond the worst finite value of each objective, max(1.1 w, 0.9 w),
/// and 1e-12 for a worst of 0. 1e-12, too, for an objective without a finite value.
std::vector<double> reference_point(const Outcomes&);

/// The region that is better than the reference and that no row dominates, cut into disjoint boxes: row i of `lower` and
/// of `upper` are two corners; `lower` is often -infinity. What a new outcome y adds to the hypervolume is the sum over
/// boxes of prod_j max(0, upper_j - max(lower_j, y_j)). m <= 3: at most 2 n + 1 boxes (n + 1 for m = 2), as many as
/// Lacour, Klamroth and Fonseca ("A box decomposition algorithm to compute the hypervolume indicator", Computers and
/// Operations Research 79, 2017) get. O(n log n), and O(n) entries moved a row at worst.
struct Boxes {
  Outcomes lower, upper;
};
Boxes non_dominated_boxes(const Outcomes&, std::span<const double> reference);

}  // namespace tune
