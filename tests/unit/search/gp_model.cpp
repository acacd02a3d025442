// SPDX-License-Identifier: Apache-2.0
#include <Eigen/Eigenvalues>
#include <catch2/catch.hpp>
#include <cmath>

#include "search/gp/acquisition.hpp"
#include "search/gp/lbfgs.hpp"
#include "search/gp/regression.hpp"
#include "search/gp/target.hpp"
#include "tuner/rng.hpp"

namespace gp_model_test {

using namespace tune;
using namespace tune::detail;
using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

namespace {

const double kInactive = std::nan("");

VectorXd vec(std::initializer_list<double> v) {
  VectorXd out(static_cast<Index>(v.size()));
  std::copy(v.begin(), v.end(), out.data());
  return out;
}

/// Two numeric axes, a conditional one, a categorical and a conditional categorical one.
Kernel all_kinds() { return Kernel{{{}, {}, {false, 0, true}, {true, 3, false}, {true, 2, true}}}; }

MatrixXd some_points(const Kernel& kernel, Index n, std::uint64_t seed = 1) {
  Rng rng{seed, 1};
  MatrixXd x(kernel.dimensions(), n);
  for (Index i = 0; i < n; ++i)
    for (Index j = 0; j < x.rows(); ++j) {
      const auto& axis = kernel.axes()[static_cast<std::size_t>(j)];
      x(j, i) = axis.categorical ? static_cast<double>(rng.below(static_cast<std::uint64_t>(axis.categories))) : rng.uniform();
      if (axis.conditional && rng.uniform() < 0.4) x(j, i) = kInactive;
    }
  return x;
}

VectorXd some_hyperparameters(const Kernel& kernel, std::uint64_t seed = 5) {
  Rng rng{seed, 2};
  VectorXd theta = default_hyperparameters(kernel);
  for (Index h = 0; h < theta.size(); ++h) theta[h] += 0.7 * rng.normal();
  return theta;
}

VectorXd some_values(Index n) {
  Rng rng{9, 3};
  VectorXd y(n);
  for (Index i = 0; i < n; ++i) y[i] = rng.normal();
  return y;
}

/// Central differences against what f says of its own slope.
template <class F>
void check_gradient(F&& f, const VectorXd& x, double tolerance) {
  VectorXd g(x.size()), unused(x.size());
  f(x, g);
  for (Index i = 0; i < x.size(); ++i) {
    if (std::isnan(x[i])) continue;
    VectorXd up = x, down = x;
    up[i] += 1e-5, down[i] -= 1e-5;
    INFO("component " << i);
    CHECK(g[i] == Approx((f(up, unused) - f(down, unused)) / 2e-5).epsilon(tolerance).margin(tolerance));
  }
}

Posterior some_posterior(const Kernel& kernel, Index n) {
  Regression r{kernel, some_hyperparameters(kernel)};
  r.append(kernel.features(some_points(kernel, n)));
  return {std::move(r), some_values(n)};
}

// The plain Matern kernel on two numeric axes and five points that scikit-learn was asked about (below).
Kernel plain() { return Kernel{{{}, {}}, false}; }
const VectorXd kPlainTheta = vec({1.0, 2.0, 0.3, -3.0});
MatrixXd plain_points() {
  MatrixXd x(2, 5);
  x << .1, .4, .7, .95, .25, .2, .9, .3, .6, .65;
  return x;
}
const VectorXd kPlainValues = vec({-.5, 1.2, .3, -1.1, .1});

Posterior plain_posterior(const Kernel& kernel) {
  Regression r{kernel, kPlainTheta};
  r.append(kernel.features(plain_points()));
  return {std::move(r), kPlainValues};
}

}  // namespace

TEST_CASE("descent finds the floor of Rosenbrock's valley") {
  const auto rosenbrock = [](const VectorXd& x, VectorXd& g) {
    const double a = 1 - x[0], b = x[1] - x[0] * x[0];
    g[0] = -2 * a - 400 * x[0] * b, g[1] = 200 * b;
    return a * a + 100 * b * b;
  };
  VectorXd x = vec({-1.2, 1});
  CHECK(minimise(rosenbrock, x, vec({-2, -2}), vec({2, 2}), {.iterations = 200, .gradient = 1e-8, .progress = 0}) < 1e-12);
  CHECK((x - vec({1, 1})).norm() < 1e-5);
  // With x0 at most 0.5 the minimum is on the bound: x1 = x0^2, f = (1 - x0)^2.
  x = vec({-1.2, 1});
  CHECK(minimise(rosenbrock, x, vec({-2, -2}), vec({0.5, 2}), {.iterations = 200, .gradient = 1e-8, .progress = 0}) == Approx(0.25));
  CHECK(x[0] == 0.5);
  CHECK(x[1] == Approx(0.25).epsilon(1e-6));
}

TEST_CASE("descent stays where f is not defined beyond") {
  const auto half_line = [](const VectorXd& x, VectorXd& g) {
    g[0] = 1 - 1 / x[0];
    return x[0] - std::log(x[0]);  // NaN for x < 0.
  };
  VectorXd x = vec({0.01});
  CHECK(minimise(half_line, x, vec({-10}), vec({10})) == Approx(1));
}

// scikit-learn 1.9.1: GaussianProcessRegressor(ConstantKernel(exp(.3)) * Matern([exp(-.5), exp(-1)], nu=2.5),
// alpha=exp(-3)+1e-6, optimizer=None).fit(X, y): kernel_(X)[0, 1], predict([[.3, .5], [.9, .1]], return_std=True),
// log_marginal_likelihood_value_; leave one out by five such fits.
TEST_CASE("the regression agrees with scikit-learn's") {
  const Kernel kernel = plain();
  const Features f = kernel.features(plain_points());
  CHECK(kernel.between(f, f, kPlainTheta)(0, 1) == Approx(0.19694317060420846).epsilon(1e-12));

  const Posterior posterior = plain_posterior(kernel);
  MatrixXd q(2, 2);
  q << .3, .9, .5, .1;
  const auto p = posterior.at(kernel.features(q));
  CHECK(p.mean(0, 0) == Approx(-0.18534542603526344).epsilon(1e-10));
  CHECK(p.mean(1, 0) == Approx(0.3695377047440298).epsilon(1e-10));
  CHECK(p.variance[0] == Approx(0.18473086649732018).epsilon(1e-10));
  CHECK(p.variance[1] == Approx(0.5951524368265274).epsilon(1e-10));

  const auto loo = posterior.regression().leave_one_out(kPlainValues);
  const VectorXd means = vec({0.23108338271135528, -0.14551412600130295, -0.8462508360635832, 0.5219873602942487, 0.5305932248639088});
  const VectorXd variances = vec({0.9609130284753223, 0.720536857406819, 0.7354693201344267, 0.8319443039705879, 0.624220582848865});
  CHECK((loo.mean - means).norm() < 1e-9);
  CHECK((loo.variance - variances).norm() < 1e-9);
}

TEST_CASE("what a fit minimises is the likelihood that scikit-learn computes, and the priors") {
  const double likelihood = 7.197505062943575 - 2.5 * std::log(2 * M_PI);
  const double mean = -2 * std::log(0.5 * std::sqrt(2.0));
  const double priors = (1 - mean) * (1 - mean) / 8 + (2 - mean) * (2 - mean) / 8 + std::exp(.3) - .3 + 9.0 / 8;
  const Kernel kernel = plain();
  const double all = negative_log_posterior(kernel, kernel.features(plain_points()), kPlainValues, kPlainTheta, nullptr);
  CHECK(all == Approx(likelihood + priors).epsilon(1e-10));
}

TEST_CASE("hyperparameters have the gradient that differences show, on every kind of axis") {
  for (const Kernel& kernel : {all_kinds(), plain(), Kernel{{{}, {}, {}}}, Kernel{{{true, 4, false}, {true, 2, false}}}}) {
    const Features f = kernel.features(some_points(kernel, 12));
    const VectorXd y = some_values(12);
    check_gradient([&](const VectorXd& t, VectorXd& g) { return negative_log_posterior(kernel, f, y, t, &g); },
                   some_hyperparameters(kernel), 1e-6);
  }
}

TEST_CASE("the trend kernel is the closed form") {
  const Kernel kernel{{{}, {}}};
  VectorXd theta = default_hyperparameters(kernel);
  theta[kernel.scale_at()] = -30, theta[kernel.trend_at()] = std::log(2.0);
  MatrixXd x(2, 2);
  x << .75, .25, 1, .5;  // z = (.5, 1) and (-.5, 0).
  const Features f = kernel.features(x);
  // 2 (1 + z.w + sum z^2 w^2 + |z|^2 |w|^2 / 2), z.w = -.25, sum = .0625, |z|^2 = 1.25, |w|^2 = .25
  CHECK(kernel.between(f, f, theta)(0, 1) == Approx(2 * (1 - .25 + .0625 + 1.25 * .25 / 2)));
  CHECK(kernel.variances(f, theta)[0] == Approx(kernel.between(f, f, theta)(0, 0)));
}

TEST_CASE("the kernel of every kind of axis is positive definite, and what is inactive makes no difference") {
  const Kernel kernel = all_kinds();
  const Features f = kernel.features(some_points(kernel, 40));
  const MatrixXd k = kernel.between(f, f, some_hyperparameters(kernel));
  CHECK(Eigen::SelfAdjointEigenSolver<MatrixXd>(k).eigenvalues().minCoeff() > -1e-10);
  MatrixXd x(5, 3);
  x << .3, .3, .3, .6, .6, .6, kInactive, kInactive, .5, 1, 1, 1, 0, kInactive, 0;
  const Features g = kernel.features(x);
  const MatrixXd c = kernel.between(g, g, default_hyperparameters(kernel));
  CHECK(c(0, 1) < c(0, 0));  // Active here and not there.
  CHECK(c(0, 2) < c(0, 0));
}

TEST_CASE("the slopes of mean and variance are those of differences") {
  for (const Kernel& kernel : {all_kinds(), plain(), Kernel{{{}, {}, {}}}}) {
    const Posterior posterior = some_posterior(kernel, 15);
    for (Index i = 0; i < 3; ++i) {
      const VectorXd x = some_points(kernel, 3, 77).col(i);
      const auto kinds = [&](VectorXd g) {
        for (Index j = 0; j < g.size(); ++j)
          if (kernel.axes()[static_cast<std::size_t>(j)].categorical) g[j] = 0;
        return g;
      };
      const auto s = posterior.slope(x);
      const auto p = posterior.at(kernel.features(x));
      CHECK(s.mean[0] == Approx(p.mean(0, 0)).epsilon(1e-8));
      CHECK(s.variance == Approx(p.variance[0]).epsilon(1e-8));
      for (Index j = 0; j < x.size(); ++j) {
        if (std::isnan(x[j]) || kernel.axes()[static_cast<std::size_t>(j)].categorical) continue;
        VectorXd up = x, down = x;
        up[j] += 1e-5, down[j] -= 1e-5;
        CHECK(kinds(s.dmean.col(0))[j] == Approx((posterior.slope(up).mean[0] - posterior.slope(down).mean[0]) / 2e-5).epsilon(1e-5).margin(1e-6));
        CHECK(s.dvariance[j] == Approx((posterior.slope(up).variance - posterior.slope(down).variance) / 2e-5).epsilon(1e-5).margin(1e-6));
      }
    }
  }
}

TEST_CASE("a factor that grew has the bits of one made at once, also after rows were taken back") {
  const Kernel kernel = all_kinds();
  const Features f = kernel.features(some_points(kernel, 150));
  const VectorXd theta = some_hyperparameters(kernel);
  Regression once{kernel, theta}, grown{kernel, theta};
  once.append(f);
  grown.append(f.slice(0, 70));
  grown.append(f.slice(100, 50));
  grown.truncate(60);
  for (Index i = 60; i < 150; ++i) grown.append(f.slice(i, 1));
  bool same = true;
  for (Index i = 0; i < 150; ++i) same = same && once.row(i) == grown.row(i) && once.pivot(i) == grown.pivot(i);
  CHECK(same);
  const Posterior a{once, some_values(150)}, b{grown, some_values(150)};
  const Features q = kernel.features(some_points(kernel, 7, 3));
  CHECK(a.at(q).mean == b.at(q).mean);
  CHECK(a.at(q).variance == b.at(q).variance);
}

TEST_CASE("repeated points and a vanishing noise do not break the factor") {
  const Kernel kernel{{{}}};
  VectorXd theta = default_hyperparameters(kernel);
  theta[kernel.noise_at()] = -14;
  Regression r{kernel, theta};
  r.append(kernel.features(MatrixXd::Constant(1, 60, 0.4)));
  const Posterior p{r, VectorXd::Constant(60, 0.7)};
  CHECK(p.slope(vec({0.4})).mean[0] == Approx(0.7).epsilon(1e-3));
}

TEST_CASE("imagined results have the mean and covariance that the posterior says") {
  const Kernel kernel = plain();
  Posterior p = plain_posterior(kernel);
  MatrixXd q(2, 2);
  q << .3, .35, .5, .55;
  const auto before = p.at(kernel.features(q));
  Rng rng{4, 4};
  const Index draws = 4000;
  MatrixXd z(2, draws);
  for (Index i = 0; i < z.size(); ++i) z.data()[i] = rng.normal();
  p.imagine(kernel.features(q), z);
  const MatrixXd y = p.targets().bottomRows(2);
  const double noise = std::exp(-3) + 1e-6;
  CHECK(y.row(0).mean() == Approx(before.mean(0, 0)).margin(0.03));
  CHECK(y.row(1).mean() == Approx(before.mean(1, 0)).margin(0.03));
  CHECK((y.row(0).array() - y.row(0).mean()).square().mean() == Approx(before.variance[0] + noise).epsilon(0.08));
  CHECK((y.row(1).array() - y.row(1).mean()).square().mean() == Approx(before.variance[1] + noise).epsilon(0.08));
  // Where a result is imagined, each draw believes in its own.
  const auto after = p.at(kernel.features(q.col(0)));
  CHECK(after.variance[0] < 0.25 * before.variance[0]);
}

// mpmath 1.3 with 60 digits: log(npdf(z) + z ncdf(z)), ncdf(z) / (npdf(z) + z ncdf(z)), log(ncdf(z)).
TEST_CASE("the logarithms keep their digits far into the tail") {
  struct Row {
    double z, log_h, slope, log_cdf;
  };
  for (const Row& r : {Row{3, 1.0987396653277078, 0.33284096845179524, -0.0013508099647481938},
                       Row{0.5, -0.35982768374506382, 0.99092271800410996, -0.36894641528865639},
                       Row{0, -0.91893853320467274, 1.2533141373155003, -0.69314718055994531},
                       Row{-1, -2.4851210257126413, 1.9042712333296918, -1.8410216450092635},
                       Row{-2.5, -6.2125416454435129, 3.0984232967911619, -5.0816482772786905},
                       Row{-10, -55.553122036122356, 10.194383033412553, -53.231285150512471},
                       Row{-40, -808.29856835661996, 40.049906657648518, -804.60844201375379},
                       Row{-200, -20011.515648259739, 200.00999925013122, -20006.21728089819}}) {
    INFO("z " << r.z);
    CHECK(log_h(r.z).value == Approx(r.log_h).epsilon(1e-9));
    CHECK(log_h(r.z).slope == Approx(r.slope).epsilon(1e-6));
    CHECK(log_cdf(r.z).value == Approx(r.log_cdf).epsilon(1e-9));
  }
  for (double z = -1; z > -1e8; z *= 1.7) {
    REQUIRE(std::isfinite(log_h(z).value));
    REQUIRE(log_h(z).value > log_h(z * 1.0001).value);
    REQUIRE(log_h(z).slope > 0);
    REQUIRE(log_cdf(z).slope > 0);
  }
}

TEST_CASE("every term has the gradient that differences show") {
  const Kernel kernel{{{}, {}, {}}};
  const auto check = [&](const Term& term) {
    for (Index i = 0; i < 3; ++i) {
      const VectorXd x = some_points(kernel, 3, 50).col(i);
      VectorXd g = VectorXd::Zero(3);
      CHECK(term.at(x, g) == Approx(term.at(kernel.features(x))[0]).epsilon(1e-8));
      check_gradient(
          [&](const VectorXd& at, VectorXd& gradient) {
            gradient.setZero();
            return term.at(at, gradient);
          },
          x, 1e-4);
    }
  };
  Posterior drawn = some_posterior(kernel, 15);
  drawn.imagine(kernel.features(some_points(kernel, 2, 8)), MatrixXd::Identity(2, 3));
  check(Improvement{some_posterior(kernel, 15), -1.5, 15});
  check(Improvement{drawn, -1.5, 15});
  check(Holds{some_posterior(kernel, 15), -1.0, 0.3});

  Regression other{kernel, some_hyperparameters(kernel, 6)};
  other.append(kernel.features(some_points(kernel, 15)));
  const Posterior second{other, VectorXd(some_values(30).tail(15))};
  const Outcomes seen{2, {-1.0, 0.5, 0.1, -0.3, 0.6, -1.1}};
  check(HypervolumeGrowth{{some_posterior(kernel, 15), second}, {non_dominated_boxes(seen, std::vector<double>{1.0, 1.0})}});
}

TEST_CASE("what a person believes multiplies the acquisition, and its gradient follows") {
  Dimension x;
  x.name = "x", x.min = 0, x.max = 1, x.prior = Dimension::Prior{0.3, 0.2, {}};
  Dimension y = x;
  y.name = "y", y.prior.reset();
  const Space space = Space::make({x, y}).value();
  const Axes axes{space};
  const Kernel kernel{{{}, {}}};
  Acquisition plain{kernel}, believing{kernel};
  for (Acquisition* a : {&plain, &believing}) a->add(std::make_unique<Improvement>(some_posterior(kernel, 15), -1.5, 15));
  believing.believe(axes, 0.7);
  const VectorXd at = vec({0.55, 0.4});
  CHECK(believing.at(MatrixXd(at))[0] - plain.at(MatrixXd(at))[0] == Approx(0.7 * axes.prior().of(0).log_density(0.55)));
  check_gradient([&](const VectorXd& p, VectorXd& g) { return believing.at(p, g); }, at, 1e-4);
}

TEST_CASE("the expected growth of the hypervolume is what simulation says") {
  const Kernel kernel{{{}, {}, {}}};
  Regression other{kernel, some_hyperparameters(kernel, 6)};
  other.append(kernel.features(some_points(kernel, 15)));
  const std::vector<Posterior> both{some_posterior(kernel, 15), Posterior{other, VectorXd(some_values(30).tail(15))}};
  const Outcomes seen{2, {0.2, 1.5, 0.8, 0.9, 1.6, 0.1}};
  const std::vector<double> reference{2.0, 2.0};
  const VectorXd x = some_points(kernel, 1, 50).col(0);
  VectorXd unused = VectorXd::Zero(3);
  const double expected = std::exp(HypervolumeGrowth{both, {non_dominated_boxes(seen, reference)}}.at(x, unused));

  const auto a = both[0].slope(x), b = both[1].slope(x);
  Rng rng{2, 2};
  double sum = 0;
  for (int i = 0; i < 20000; ++i) {
    Outcomes more = seen;
    const double y[2] = {a.mean[0] + std::sqrt(a.variance) * rng.normal(), b.mean[0] + std::sqrt(b.variance) * rng.normal()};
    more.add(y);
    sum += hypervolume(more, reference) - hypervolume(seen, reference);
  }
  CHECK(expected == Approx(sum / 20000).epsilon(0.04));
}

TEST_CASE("the half-rank warp keeps the better half and bounds the worse one") {
  const VectorXd v = vec({1, 2, 3, 4, 1e9, 1e300, 7, 0});
  const VectorXd w = warped(v, Warp::half_rank);
  for (const Index i : {0, 1, 2, 7}) CHECK(w[i] == v[i]);
  CHECK(w[3] > 3.5);
  CHECK(w[6] > w[3]);
  CHECK(w[4] > w[6]);
  CHECK(w[5] > w[4]);
  CHECK(w[5] < 10);
  // Root mean square of (0, 1, 2, 3) - 3.5 is 2.291; the best of four worse ones is at quantile 0.5625, 0.1573 deviations up.
  CHECK(w[3] == Approx(3.5 + 2.29128784747792 * 0.157310684610171));
}

TEST_CASE("targets have mean 0 and variance 1 whatever the scale, and equal values are all zero") {
  for (const double scale : {1.0, 1e-200, 1e300}) {
    const Target t = standardised(scale * vec({1, 2, 3, 6}));
    CHECK(t.y.mean() == Approx(0).margin(1e-12));
    CHECK(t.y.squaredNorm() == Approx(4));
    CHECK(t.mean == Approx(3 * scale));
  }
  CHECK(standardised(vec({5, 5, 5})).y.isZero());
  CHECK(standardised(vec({5, 5, 5})).deviation == 0);
}

}  // namespace gp_model_test
