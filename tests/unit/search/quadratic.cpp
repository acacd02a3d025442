// SPDX-License-Identifier: Apache-2.0
#include "search/quadratic.hpp"

#include <Eigen/Cholesky>
#include <catch2/catch.hpp>
#include <cmath>

namespace quadratic_test {

using namespace tune;
using namespace tune::detail;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

MatrixXd points(Eigen::Index count, Eigen::Index m, double reach = 1) {
  Rng rng{7, 7};
  MatrixXd z(count, m);
  for (double& x : z.reshaped()) x = reach * (2 * rng.uniform() - 1);
  z.row(0).setZero();
  return z;
}

// 1 + (z - t)ᵀ A (z - t) with A = [[2, .5], [.5, 1]], t = (0.3, -0.2), above its value at 0.
double bowl(const VectorXd& z) {
  const double a = z[0] - 0.3, b = z[1] + 0.2;
  return 2 * a * a + a * b + b * b - (2 * 0.09 + 0.3 * -0.2 + 0.04) + 0.2;
}

VectorXd values(const MatrixXd& z) {
  VectorXd y(z.rows());
  for (Eigen::Index k = 0; k < z.rows(); ++k) y[k] = bowl(z.row(k));
  return y;
}

}  // namespace

TEST_CASE("a quadratic is recovered from its values") {
  Rng rng{1, 1};
  const MatrixXd z = points(12, 2);
  const auto fit = QuadraticRegression::fit(z, values(z), {});
  REQUIRE(fit);
  const Quadratic q = fit->mean();
  CHECK(q.half_hessian(0, 0) == Approx(2).epsilon(1e-3));
  CHECK(q.half_hessian(0, 1) == Approx(0.5).epsilon(1e-3));
  CHECK(q.half_hessian(1, 1) == Approx(1).epsilon(1e-3));
  const VectorXd least = least_in_box(q, VectorXd::Constant(2, -1), VectorXd::Constant(2, 1), rng);
  CHECK(least[0] == Approx(0.3).epsilon(1e-3));
  CHECK(least[1] == Approx(-0.2).epsilon(1e-3));
}

// The same regression, said in the space of coefficients: the posterior mean of w under y = Φ w + noise, w ~ N(0, 1), is
// (ΦᵀN⁻¹Φ + 1)⁻¹ ΦᵀN⁻¹ y (Rasmussen and Williams, eq. 2.8), Φ scaled by the prior's standard deviations.
TEST_CASE("the posterior mean is that of Bayesian regression on the coefficients") {
  constexpr double families[4][3] = {{1, 0.01, 0.003}, {1, 1, 0.01}, {1, 1, 1}, {0.1, 0.1, 1}};
  const MatrixXd z = points(9, 2, 2);
  VectorXd y = values(z);
  y[3] += 0.3, y[5] -= 0.1, y = y.cwiseMax(0).cwiseMin(2.9);
  const auto fit = QuadraticRegression::fit(z, y, {});
  REQUIRE(fit);
  const auto& f = families[fit->choice().family];
  const double v = QuadraticRegression::variance(fit->choice().noise);
  // 1, z1, z2, |z|², z1², z2², z1 z2.
  MatrixXd phi(9, 7);
  VectorXd noise(9);
  for (Eigen::Index k = 0; k < 9; ++k) {
    const double a = z(k, 0), b = z(k, 1), norm = a * a + b * b;
    phi.row(k) << 10, a, b, std::sqrt(f[0] / 2) * norm, std::sqrt(f[1]) * a * a, std::sqrt(f[1]) * b * b, std::sqrt(2 * f[2]) * a * b;
    noise[k] = v * std::pow(std::max(1.0, std::sqrt(norm / 2)), 6);
  }
  const MatrixXd scaled = noise.cwiseInverse().asDiagonal() * phi;
  const VectorXd w = (phi.transpose() * scaled + MatrixXd::Identity(7, 7)).ldlt().solve(scaled.transpose() * y);
  const Quadratic q = fit->mean();
  CHECK(q.gradient[0] == Approx(w[1]).epsilon(1e-6));
  CHECK(q.gradient[1] == Approx(w[2]).epsilon(1e-6));
  CHECK(q.half_hessian(0, 0) == Approx(std::sqrt(f[0] / 2) * w[3] + std::sqrt(f[1]) * w[4]).epsilon(1e-6));
  CHECK(q.half_hessian(1, 1) == Approx(std::sqrt(f[0] / 2) * w[3] + std::sqrt(f[1]) * w[5]).epsilon(1e-6));
  CHECK(q.half_hessian(0, 1) == Approx(std::sqrt(f[2] / 2) * w[6]).epsilon(1e-6));
  const VectorXd fitted = phi * w, smoothed = fit->smoothed();
  for (Eigen::Index k = 0; k < 9; ++k) CHECK(smoothed[k] == Approx(fitted[k]).epsilon(1e-6).margin(1e-9));
}

TEST_CASE("draws of the posterior scatter around its mean") {
  const MatrixXd z = points(5, 2);
  const auto fit = QuadraticRegression::fit(z, values(z), {});
  REQUIRE(fit);
  const Quadratic mean = fit->mean();
  VectorXd sum = VectorXd::Zero(2), squares = VectorXd::Zero(2);
  constexpr int kDraws = 4000;
  for (int i = 0; i < kDraws; ++i) {
    Rng rng{3, static_cast<std::uint64_t>(i)};
    const VectorXd off = fit->draw(rng).gradient - mean.gradient;
    sum += off, squares += off.cwiseAbs2();
  }
  for (Eigen::Index i = 0; i < 2; ++i) {
    const double se = std::sqrt(squares[i]) / kDraws;
    CHECK(squares[i] > 0);
    CHECK(std::fabs(sum[i] / kDraws) < 4 * se);
  }
}

TEST_CASE("a saddle is least at an edge of the box") {
  Rng rng{1, 1};
  const Quadratic saddle{VectorXd{{0.0, 0.1}}, MatrixXd{{1.0, 0.0}, {0.0, -1.0}}};
  const VectorXd least = least_in_box(saddle, VectorXd{{-1.0, -1.0}}, VectorXd{{1.0, 0.5}}, rng);
  CHECK(least[0] == Approx(0).margin(1e-12));
  CHECK(least[1] == -1);
}

TEST_CASE("an ill-conditioned valley across the axes is solved to its bottom") {
  Rng rng{1, 1};
  // 1e4 (x - y)² + (x + y - 1)², half-Hessian and gradient at 0.
  const Quadratic valley{VectorXd{{-2.0, -2.0}}, MatrixXd{{10001.0, -9999.0}, {-9999.0, 10001.0}}};
  const VectorXd least = least_in_box(valley, VectorXd{{-1.0, -1.0}}, VectorXd{{1.0, 1.0}}, rng);
  CHECK(least[0] == Approx(0.5).epsilon(1e-9));
  CHECK(least[1] == Approx(0.5).epsilon(1e-9));
}

TEST_CASE("equal values cannot be fitted, and nothing breaks") {
  const MatrixXd z = points(6, 2);
  CHECK_FALSE(QuadraticRegression::fit(z, VectorXd::Zero(6), {}));
}

}  // namespace quadratic_test
