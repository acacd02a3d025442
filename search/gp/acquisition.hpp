// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <memory>
#include <vector>

#include "search/axes.hpp"
#include "search/gp/regression.hpp"
#include "search/hypervolume.hpp"

/// How good it would be to try a point. Everything is a logarithm: improvements of 1e-300 still have a slope to follow
/// (Ament et al., "Unexpected improvements to expected improvement for Bayesian optimization", NeurIPS 2023), and what must
/// hold at the same time is a sum.
namespace tune::detail {

/// A function value and its derivative.
struct WithSlope {
  double value, slope;
};

/// ln h(z), h(z) = pdf(z) + z cdf(z): the expected improvement is s h((best - m) / s) where f ~ N(m, s^2) is minimised.
/// Relative error below 1e-9 from z = -1e8 on (eq. 9 of Ament et al. in terms of erfcx).
WithSlope log_h(double z);
/// ln cdf(z) of the standard normal.
WithSlope log_cdf(double z);

/// One summand of an acquisition function.
class Term {
 public:
  virtual ~Term() = default;
  /// Of each of the points. O(points n^2).
  virtual Eigen::VectorXd at(const Features& points) const = 0;
  /// Of one point, with its gradient by numeric axes added to `gradient`.
  virtual double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const = 0;
};

/// ln E[max(0, best - f)], averaged over the draws of pending results (search.md C: common draws for all points).
class Improvement final : public Term {
 public:
  /// `best`: what has to be improved on; in every draw imagined results count as well, from row `imagined_from` on.
  Improvement(Posterior, double best, Eigen::Index imagined_from);
  Eigen::VectorXd at(const Features& points) const override;
  double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const override;
  /// Probability that f is less than best - `by`.
  double chance(const Eigen::VectorXd& point, double by) const;
  const Posterior& posterior() const { return posterior_; }

 private:
  Posterior posterior_;
  Eigen::VectorXd best_;  // By draw.
};

/// weight * ln P(f + spread e <= limit), e ~ N(0, 1) independent: a constraint's margin, or whether a trial succeeds.
class Holds final : public Term {
 public:
  Holds(Posterior, double limit, double spread, double weight = 1);
  Eigen::VectorXd at(const Features& points) const override;
  double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const override;

 private:
  Posterior posterior_;
  double limit_, spread_, weight_;
};

/// ln of the expected growth of the dominated hypervolume, exact for independent objectives: each box of the region not yet
/// dominated contributes a product of one-dimensional expectations (Yang et al., "Efficient computation of expected
/// hypervolume improvement using box decomposition algorithms", J. Global Optimization 75, 2019), summed as logarithms.
class HypervolumeGrowth final : public Term {
 public:
  /// One posterior an objective, all with the same draws; one set of boxes a draw.
  HypervolumeGrowth(std::vector<Posterior>, std::vector<Boxes>);
  Eigen::VectorXd at(const Features& points) const override;
  double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const override;

 private:
  std::vector<Posterior> objectives_;
  std::vector<Boxes> boxes_;
};

/// -weight * E[f]: prefers points where what is modelled, such as the logarithm of a cost, is small.
class Small final : public Term {
 public:
  Small(Posterior, double weight);
  Eigen::VectorXd at(const Features& points) const override;
  double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const override;
  double mean(const Eigen::VectorXd& point) const { return posterior_.slope(point).mean[0]; }

 private:
  Posterior posterior_;
  double weight_;
};

class Acquisition {
 public:
  explicit Acquisition(const Kernel& kernel) : kernel_(&kernel) {}
  void add(std::unique_ptr<Term> term) { terms_.push_back(std::move(term)); }
  /// Multiplies by the density of what a person expects, to the power of `exponent` (piBO, prior_exponent()). `axes`
  /// outlive this.
  void believe(const Axes& axes, double exponent) { axes_ = &axes, exponent_ = exponent; }
  bool empty() const { return terms_.empty(); }
  const Kernel& kernel() const { return *kernel_; }
  /// Columns of `points` are points.
  Eigen::VectorXd at(const Eigen::MatrixXd& points) const;
  double at(const Eigen::VectorXd& point, Eigen::VectorXd& gradient) const;

 private:
  const Kernel* kernel_;
  std::vector<std::unique_ptr<Term>> terms_;
  const Axes* axes_ = nullptr;  // Where there is a belief.
  double exponent_ = 0;
};

}  // namespace tune::detail
