// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/functions.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace tune::regret::functions {
namespace {

constexpr double pi = std::numbers::pi;
double square(double v) { return v * v; }
double sum_of_squares(Z z) {
  double sum = 0;
  for (const double v : z) sum += v * v;
  return sum;
}

// One coordinate's term of Michalewicz's function; i counts from 1.
double valley(double i, double x) { return -std::sin(x) * std::pow(std::sin(i * x * x / pi), 20); }

double lowest_of_valley(double i) {
  constexpr int kGrid = 20'000;
  double at = 0;
  for (int k = 1; k <= kGrid; ++k)
    if (const double x = pi * k / kGrid; valley(i, x) < valley(i, at)) at = x;
  double low = at - pi / kGrid, high = at + pi / kGrid;  // A ternary search within the bracket that the grid found.
  for (int k = 0; k < 100; ++k) {
    const double a = low + (high - low) / 3, b = high - (high - low) / 3;
    (valley(i, a) < valley(i, b) ? high : low) = valley(i, a) < valley(i, b) ? b : a;
  }
  return valley(i, (low + high) / 2);
}

}  // namespace

double sphere(Z z) { return sum_of_squares(z); }

double ellipsoid(Z z) {
  const double last = std::max<double>(1, static_cast<double>(z.size()) - 1);
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) sum += std::pow(1e3, static_cast<double>(i) / last) * square(z[i]);
  return sum;
}

double bent_cigar(Z z) { return square(z[0]) + 1e6 * sum_of_squares(z.subspan(1)); }

double rosenbrock(Z z) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < z.size(); ++i) sum += 100 * square(z[i + 1] + 1 - square(z[i] + 1)) + square(z[i]);
  return sum;
}

double zakharov(Z z) {
  double linear = 0;
  for (std::size_t i = 0; i < z.size(); ++i) linear += 0.5 * static_cast<double>(i + 1) * z[i];
  return sum_of_squares(z) + square(linear) + square(square(linear));
}

double dixon_price(Z z) {
  // The minimum of the original is at x_i = 2^-((2^i - 2) / 2^i).
  const auto x = [&](std::size_t i) { return z[i] + std::exp2(-1 + 2 / std::exp2(static_cast<double>(i + 1))); };
  double sum = square(x(0) - 1);
  for (std::size_t i = 1; i < z.size(); ++i) sum += static_cast<double>(i + 1) * square(2 * square(x(i)) - x(i - 1));
  return sum;
}

double sum_of_powers(Z z) {
  double sum = 0;
  for (std::size_t i = 0; i < z.size(); ++i) sum += std::pow(std::fabs(z[i]), static_cast<double>(i + 2));
  return sum;
}

double plateau(Z z) {
  double sum = 0.01 * sum_of_squares(z);
  for (const double v : z) sum += std::floor(2 * std::fabs(v));
  return sum;
}

double rastrigin(Z z) {
  double sum = 0;
  for (const double v : z) sum += square(v) + 10 - 10 * std::cos(2 * pi * v);
  return sum;
}

double ackley(Z z) {
  const auto d = static_cast<double>(z.size());
  double waves = 0;
  for (const double v : z) waves += std::cos(2 * pi * v);
  return 20 - 20 * std::exp(-0.2 * std::sqrt(sum_of_squares(z) / d)) + std::numbers::e - std::exp(waves / d);
}

double griewank(Z z) {
  double waves = 1;
  for (std::size_t i = 0; i < z.size(); ++i) waves *= std::cos(z[i] / std::sqrt(static_cast<double>(i + 1)));
  return sum_of_squares(z) / 4000 + 1 - waves;
}

double levy(Z z) {
  const auto w = [&](std::size_t i) { return 1 + z[i] / 4; };
  const std::size_t last = z.size() - 1;
  double sum = square(std::sin(pi * w(0)));
  for (std::size_t i = 0; i < last; ++i) sum += square(w(i) - 1) * (1 + 10 * square(std::sin(pi * w(i) + 1)));
  return sum + square(w(last) - 1) * (1 + square(std::sin(2 * pi * w(last))));
}

double schaffer_f7(Z z) {
  double sum = 0;
  for (std::size_t i = 0; i + 1 < z.size(); ++i) {
    const double s = std::hypot(z[i], z[i + 1]);
    sum += std::sqrt(s) * (1 + square(std::sin(50 * std::pow(s, 0.2))));
  }
  return square(sum / static_cast<double>(z.size() - 1));
}

double weierstrass(Z z) {
  const auto waves = [](double v) {
    double sum = 0;
    for (int k = 0; k <= 11; ++k) sum += std::pow(0.5, k) * std::cos(2 * pi * std::pow(3.0, k) * (v + 0.5));
    return sum;
  };
  const double lowest = waves(0);
  double sum = 0;
  for (const double v : z) sum += waves(v) - lowest;
  return sum;
}

double schwefel(Z x) {
  double sum = 418.98288727243378 * static_cast<double>(x.size());
  for (const double v : x) sum -= v * std::sin(std::sqrt(std::fabs(v)));
  return sum;
}

double michalewicz(Z x) {
  double sum = 0;
  for (std::size_t i = 0; i < x.size(); ++i) sum += valley(static_cast<double>(i + 1), x[i]);
  return sum;
}

double michalewicz_minimum(int d) {
  double sum = 0;
  for (int i = 1; i <= d; ++i) sum += lowest_of_valley(i);
  return sum;
}

}  // namespace tune::regret::functions
