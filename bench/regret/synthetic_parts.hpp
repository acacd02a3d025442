// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "bench/regret/functions.hpp"
#include "bench/regret/problem.hpp"
#include "tuner/rng.hpp"

/// How synthetic.cpp makes its problems; one function per kind of space. A name and a set fix every draw.
namespace tune::regret::detail {

using Function = double (*)(functions::Z);

/// A standard function over a cube of side `width`, its minimum moved to a place drawn from the inner 70 % of each side.
struct Plain {
  std::string name;
  Function function;
  int dimensions;
  double width;
  bool rotated = false;
};
Problem plain(const std::string& set, const Plain&);

Problem schwefel(const std::string& set, int dimensions);
Problem michalewicz(const std::string& set, int dimensions);

/// Numbers (one on a log scale, perhaps an integer) and categories: each category adds a constant, and those of the first
/// parameter that are not the best one also move the minimum.
struct Mixed {
  std::string name;
  Function function;
  double scale;
  int numbers, integers, categories;
};
Problem mixed(const std::string& set, const Mixed&);

/// Parameters that are there only under a condition.
/// One of some kinds, two parameters each.
Problem branches(const std::string& set, const std::string& name, Function, double scale, int kinds = 3);
Problem switches(const std::string& set, const std::string& name, Function, double scale);  ///< A switch for three parameters.
Problem nested(const std::string& set, const std::string& name, Function, double scale);    ///< A kind within a kind.
/// A width for each of 1 to `most` layers.
Problem layers(const std::string& set, const std::string& name, Function, double scale, int most = 4);

/// Five spaces of which 30 % fail; the minimum does not.
std::vector<Problem> failing(const std::string& set);

/// What the kinds share.
Dimension number(std::string name, double min, double max, bool log = false);
Dimension integer(std::string name, double min, double max);
Dimension choice(std::string name, int values);
Rng stream(const std::string& set, const std::string& name);
std::vector<double> place(Rng&, int dimensions);     ///< In [0.15, 0.85] each.
std::vector<double> rotation(Rng&, int dimensions);  ///< Orthonormal, row by row.
/// Where the value of a parameter stands in [0, 1].
double position(const Space&, const Params&, const std::string& name);
int index_of(const Params&, const std::string& name);  ///< Of a choice made by choice().

}  // namespace tune::regret::detail
