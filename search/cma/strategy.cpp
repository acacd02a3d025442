// SPDX-License-Identifier: Apache-2.0
#include "search/cma/strategy.hpp"

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "tuner/result.hpp"

namespace tune::detail {

using Eigen::MatrixXd;
using Eigen::VectorXd;

/// What follows from the number of axes and the population: eq. 49 to 58.
struct CmaEs::Rates {
  int mu;
  double mu_eff, c1, c_mu, c_sigma, d_sigma, c_c, chi;
  VectorXd weights;  ///< Best first; the worse half is negative.

  Rates(double d, int lambda) : mu(lambda / 2), weights(lambda) {
    for (int i = 0; i < lambda; ++i) weights[i] = std::log((lambda + 1) / 2.0) - std::log(i + 1.0);  // Eq. 49.
    const auto effective = [](const auto& w) { return w.sum() * w.sum() / w.squaredNorm(); };
    mu_eff = effective(weights.head(mu));
    const double mu_eff_minus = effective(weights.tail(lambda - mu));
    c1 = 2 / ((d + 1.3) * (d + 1.3) + mu_eff);                                                             // Eq. 57.
    c_mu = std::min(1 - c1 - 1e-8, 2 * (mu_eff - 2 + 1 / mu_eff) / ((d + 2) * (d + 2) + mu_eff));          // Eq. 58.
    const double alpha = std::min({1 + c1 / c_mu, 1 + 2 * mu_eff_minus / (mu_eff + 2), (1 - c1 - c_mu) / (d * c_mu)});  // 50 to 52.
    double positive = 0, negative = 0;
    for (const double w : weights) (w > 0 ? positive : negative) += std::abs(w);
    for (double& w : weights) w *= w > 0 ? 1 / positive : negative > 0 ? alpha / negative : 0;  // Eq. 53.
    c_sigma = (mu_eff + 2) / (d + mu_eff + 5);                                                   // Eq. 55.
    d_sigma = 1 + 2 * std::max(0.0, std::sqrt((mu_eff - 1) / (d + 1)) - 1) + c_sigma;
    c_c = (4 + mu_eff / d) / (d + 4 + 2 * mu_eff / d);                    // Eq. 56.
    chi = std::sqrt(d) * (1 - 1 / (4 * d) + 1 / (21 * d * d));            // E |N(0, I)|.
  }
};

struct CmaEs::Before {
  VectorXd mean;
  MatrixXd covariance;  ///< sigma^2 C.
  MatrixXd root;        ///< Its inverse square root.
};

int CmaEs::default_population(std::size_t d) {
  return 4 + static_cast<int>(3 * std::log(static_cast<double>(std::max<std::size_t>(d, 1))));
}

std::vector<double> CmaEs::recombination(int lambda) {
  const VectorXd weights = Rates(1, lambda).weights;
  return {weights.begin(), weights.begin() + lambda / 2};
}

CmaEs::CmaEs(Start s)
    : mean_(std::move(s.mean)), scale_(VectorXd::Ones(mean_.size())), path_sigma_(VectorXd::Zero(mean_.size())),
      path_c_(path_sigma_), covariance_(std::move(s.covariance)), sigma_(s.sigma), first_sigma_(s.sigma),
      adapt_rates_(s.adapt_rates) {
  const auto d = mean_.size();
  TUNE_ASSERT(d > 0 && sigma_ > 0);
  if (covariance_.size() == 0) covariance_ = MatrixXd::Identity(d, d);
  if (adapt_rates_) signal_mean_ = path_sigma_, signal_covariance_ = MatrixXd::Zero(d, d);
  decompose();
}

void CmaEs::decompose() {
  covariance_ = ((covariance_ + covariance_.transpose()) / 2).eval();
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(covariance_);
  axes_ = solver.eigenvectors();
  const double floor = 1e-20 * solver.eigenvalues().maxCoeff();
  lengths_ = solver.eigenvalues().cwiseMax(floor).cwiseSqrt();
  decomposed_ = generation_;
}

VectorXd CmaEs::whiten(const VectorXd& y) const {
  return axes_ * (axes_.transpose() * y).cwiseQuotient(lengths_);
}

VectorXd CmaEs::sample(Rng& rng) const {
  VectorXd z(mean_.size());
  for (double& x : z) x = rng.normal();
  return mean_ + sigma_ * scale_.cwiseProduct(axes_ * lengths_.cwiseProduct(z));  // Eq. 38 to 40.
}

double CmaEs::distance(const VectorXd& point) const {
  return (axes_.transpose() * (point - mean_).cwiseQuotient(scale_)).cwiseQuotient(lengths_).norm() / sigma_;
}

double CmaEs::deviation(std::size_t axis) const {
  const auto i = static_cast<Eigen::Index>(axis);
  return sigma_ * std::sqrt(covariance_(i, i));
}

void CmaEs::correct(std::size_t axis, double mean, double scale) {
  const auto i = static_cast<Eigen::Index>(axis);
  mean_[i] = mean, scale_[i] = scale;
}

void CmaEs::tell(std::span<const VectorXd> best_first) {
  TUNE_ASSERT(best_first.size() >= 2);
  const auto d = static_cast<double>(mean_.size());
  const Rates r(d, static_cast<int>(best_first.size()));
  ++generation_;
  const double rates = r.c1 + r.c_mu;
  Before before;
  if (adapt_rates_)
    before = {mean_, sigma_ * sigma_ * covariance_, axes_ * (lengths_ * sigma_).cwiseInverse().asDiagonal() * axes_.transpose()};

  MatrixXd y(mean_.size(), r.weights.size());
  for (Eigen::Index k = 0; k < y.cols(); ++k)
    y.col(k) = (best_first[static_cast<std::size_t>(k)] - mean_).cwiseQuotient(scale_) / sigma_;
  const VectorXd step = y.leftCols(r.mu) * r.weights.head(r.mu);  // Eq. 41.
  mean_ += sigma_ * step;                                         // Eq. 42. (A is left out: see margin.cpp.)

  path_sigma_ = (1 - r.c_sigma) * path_sigma_ + std::sqrt(r.c_sigma * (2 - r.c_sigma) * r.mu_eff) * whiten(step);  // Eq. 43.
  const double length = path_sigma_.norm();
  sigma_ = std::min(sigma_ * std::exp(r.c_sigma / r.d_sigma * (length / r.chi - 1)), 1e32);  // Eq. 44.

  const double settled = std::sqrt(1 - std::pow(1 - r.c_sigma, 2 * static_cast<double>(generation_ + 1)));
  const double h = length / settled < (1.4 + 2 / (d + 1)) * r.chi ? 1 : 0;
  path_c_ = (1 - r.c_c) * path_c_ + h * std::sqrt(r.c_c * (2 - r.c_c) * r.mu_eff) * step;  // Eq. 45.
  VectorXd weights = r.weights;
  for (Eigen::Index k = r.mu; k < y.cols(); ++k)
    if (weights[k] < 0) weights[k] *= d / (whiten(y.col(k)).squaredNorm() + 1e-8);  // Eq. 46.
  covariance_ = ((1 + r.c1 * (1 - h) * r.c_c * (2 - r.c_c) - r.c1 - r.c_mu * r.weights.sum()) * covariance_ +
                 r.c1 * path_c_ * path_c_.transpose() + r.c_mu * y * weights.asDiagonal() * y.transpose())
                    .eval();  // Eq. 47.
  if (adapt_rates_) adapt(before);
  if (adapt_rates_ || static_cast<double>(generation_ - decomposed_) >= 1 / (10 * d * rates)) decompose();
}

// Algorithm 1 of arXiv 2304.03473, with its constants. Steps are measured in the coordinates where the old distribution
// is N(0, I); a rate grows while the signal-to-noise ratio of its steps is above alpha times the rate, and shrinks
// below.
void CmaEs::adapt(const Before& before) {
  constexpr double alpha = 1.4, beta_mean = 0.1, beta_covariance = 0.03, gamma = 0.1;
  const VectorXd step = mean_ - before.mean;
  const MatrixXd change = sigma_ * sigma_ * covariance_ - before.covariance;
  const auto follow = [](auto& signal, double& power, double& rate, const auto& move, double beta) {
    signal = (1 - beta) * signal + beta * move;
    power = (1 - beta) * power + beta * move.squaredNorm();
    const double e = signal.squaredNorm();
    const double noise = power - e, ratio = noise > 0 ? (e - beta / (2 - beta) * power) / noise : alpha * rate;
    rate *= std::exp(std::min(gamma * rate, beta) * std::clamp(ratio / (alpha * rate) - 1, -1.0, 1.0));
    rate = std::min(rate, 1.0);
  };
  const double rate_before = rate_mean_;
  follow(signal_mean_, power_mean_, rate_mean_, VectorXd(before.root * step), beta_mean);
  follow(signal_covariance_, power_covariance_, rate_covariance_,
         MatrixXd(before.root * change * before.root / std::sqrt(2.0)), beta_covariance);

  mean_ = before.mean + rate_mean_ * step;
  const MatrixXd total = before.covariance + rate_covariance_ * change;
  const VectorXd values = Eigen::SelfAdjointEigenSolver<MatrixXd>(total, Eigen::EigenvaluesOnly).eigenvalues();
  sigma_ = std::exp(values.cwiseMax(1e-300).array().log().mean() / 2);  // |C| = 1.
  covariance_ = total / (sigma_ * sigma_);
  sigma_ = std::min(sigma_ * rate_before / rate_mean_, 1e32);
}

bool CmaEs::degenerate() const {
  const VectorXd deviations = sigma_ * covariance_.diagonal().cwiseSqrt();
  const double small = 1e-12 * first_sigma_, longest = lengths_.maxCoeff();
  if (!(sigma_ * longest <= 1e4) || longest > 1e7 * lengths_.minCoeff()) return true;
  if ((deviations.array() < small).all() && (sigma_ * path_c_.array().abs() < small).all()) return true;
  const VectorXd moved = mean_ + 0.2 * scale_.cwiseProduct(deviations);
  if ((moved.array() == mean_.array()).any()) return true;
  const auto i = static_cast<Eigen::Index>(generation_ % static_cast<std::int64_t>(size()));
  return ((mean_ + 0.1 * sigma_ * lengths_[i] * scale_.cwiseProduct(axes_.col(i))).array() == mean_.array()).all();
}

}  // namespace tune::detail
