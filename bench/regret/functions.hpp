// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>

/// Standard test functions of continuous optimisation (Jamil and Yang, "A literature survey of benchmark functions for
/// global optimization problems", 2013; Hansen et al., BBOB, 2009), each moved so that its minimum is 0 at z = 0.
namespace tune::regret::functions {

using Z = std::span<const double>;

double sphere(Z);
double ellipsoid(Z);  ///< Conditioned 1 : 1,000.
double bent_cigar(Z);
double rosenbrock(Z);
double zakharov(Z);
double dixon_price(Z);
double sum_of_powers(Z);
double plateau(Z);  ///< Steps of |2z|, with a bowl of 1 % below them.
double rastrigin(Z);
double ackley(Z);
double griewank(Z);
double levy(Z);
double schaffer_f7(Z);
double weierstrass(Z);

/// For x in [-500, 500]: deep basins far from one another, the best one near a corner. Minimum 0.
double schwefel(Z x);
/// For x in [0, pi]: narrow valleys, m = 10. The minimum is michalewicz_minimum(d).
double michalewicz(Z x);
double michalewicz_minimum(int d);

}  // namespace tune::regret::functions
