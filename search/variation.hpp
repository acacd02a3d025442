// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>

#include "search/axes.hpp"
#include "tuner/rng.hpp"

/// How evolution makes new points from old ones. Results are to be snapped by whoever asked. All are O(d).
namespace tune::detail {

/// Inactive coordinates are drawn from the prior: a change of another parameter may make them count.
void wake(const Axes&, Point&, Rng&);

/// A child of two points. Numeric axes by simulated binary crossover, each with probability 1/2, index 20, within bounds
/// (Deb and Agrawal, "Simulated binary crossover for continuous search space", Complex Systems 9, 1995; bounded as in
/// the authors' NSGA-II); categories from either. What only one parent has active comes from that one.
Point recombine(const Axes&, const Point& a, const Point& b, Rng&);

/// Changes each axis with probability `rate`, at least one if `at_least_one`. Numeric axes by polynomial mutation,
/// index 20 (Deb and Goyal, "A combined genetic adaptive search (GeneAS) for engineering design", 1996), ordered ones by
/// a level at least; categories become another one.
void mutate(const Axes&, Point&, double rate, bool at_least_one, Rng&);

/// Another category, each as likely. The axis is categorical.
double other_category(const Axes&, std::size_t axis, double coordinate, Rng&);

/// `coordinate` moved to `wanted`, on an ordered axis by a level at least, in its direction if there is one.
double move_to(const Axes&, std::size_t axis, double coordinate, double wanted, Rng&);

}  // namespace tune::detail
