// SPDX-License-Identifier: Apache-2.0
// Figures are those of the Python package cmaes 0.13.0 (and numpy 2) for the same populations.
#include "search/cma/strategy.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "search/cma/bounds.hpp"
#include "search/cma/categories.hpp"
#include "search/cma/margin.hpp"
#include "search/cma/restarts.hpp"

namespace cma_strategy_test {

using namespace tune;
using namespace tune::detail;
using Eigen::VectorXd;

namespace {

VectorXd waves(VectorXd centre, double amplitude, int generation, int k) {
  for (Eigen::Index i = 0; i < centre.size(); ++i)
    centre[i] += amplitude * std::sin(1.0 + generation + 2 * k + 3 * static_cast<double>(i));
  return centre;
}

std::vector<VectorXd> population(const VectorXd& centre, double amplitude, int generation, int size) {
  std::vector<VectorXd> out;
  for (int k = 0; k < size; ++k) out.push_back(waves(centre, amplitude, generation, k));
  return out;
}

VectorXd vector(std::initializer_list<double> xs) {
  VectorXd v(static_cast<Eigen::Index>(xs.size()));
  std::copy(xs.begin(), xs.end(), v.begin());
  return v;
}

void check(const VectorXd& got, std::initializer_list<double> wanted) {
  REQUIRE(got.size() == static_cast<Eigen::Index>(wanted.size()));
  CHECK((got - vector(wanted)).cwiseAbs().maxCoeff() < 1e-10);
}

template <class F>
int evaluations_to(double target, std::size_t d, double mean, double sigma, bool adapt, std::uint64_t seed, F&& f) {
  CmaEs cma({VectorXd::Constant(static_cast<Eigen::Index>(d), mean), sigma, {}, adapt});
  Rng rng{seed, 5};
  int count = 0;
  while (!cma.degenerate()) {
    std::vector<std::pair<double, VectorXd>> all;
    for (int k = 0; k < CmaEs::default_population(d); ++k) {
      const VectorXd x = cma.sample(rng);
      all.emplace_back(f(x), x);
      ++count;
      if (all.back().first < target) return count;
    }
    std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::vector<VectorXd> best_first;
    for (auto& [value, x] : all) best_first.push_back(std::move(x));
    cma.tell(best_first);
  }
  return INT_MAX;
}

template <class F>
int median_evaluations(std::size_t d, double mean, double sigma, F&& f) {
  std::vector<int> all;
  for (std::uint64_t seed = 1; seed <= 9; ++seed) all.push_back(evaluations_to(1e-8, d, mean, sigma, false, seed, f));
  std::sort(all.begin(), all.end());
  return all[4];
}

double sphere(const VectorXd& x) { return x.squaredNorm(); }

double ellipsoid(const VectorXd& x) {
  double sum = 0;
  for (Eigen::Index i = 0; i < x.size(); ++i)
    sum += std::pow(1e6, static_cast<double>(i) / static_cast<double>(x.size() - 1)) * x[i] * x[i];
  return sum;
}

double rosenbrock(const VectorXd& x) {
  double sum = 0;
  for (Eigen::Index i = 0; i + 1 < x.size(); ++i)
    sum += 100 * std::pow(x[i] * x[i] - x[i + 1], 2) + std::pow(x[i] - 1, 2);
  return sum;
}

}  // namespace

TEST_CASE("three generations of CMA-ES come out as in another implementation") {
  CmaEs cma({vector({0.1, -0.2, 0.3}), 0.5});
  for (int g = 0; g < 3; ++g) cma.tell(population(VectorXd::Zero(3), 1, g, 7));
  check(cma.mean(), {-0.11830329348850777, 0.05995192991302212, -0.0004006280527075745});
  CHECK(cma.sigma() == Approx(0.37458635070785756).epsilon(1e-12));
  check(cma.covariance().col(0), {1.2836809010411665, -0.4467017593721816, 0.5088979581479443});
  check(cma.covariance().col(2), {0.5088979581479443, -0.3934851553961707, 1.176879507632217});
}

TEST_CASE("three generations with learning rates that adapt come out as in another implementation") {
  CmaEs cma({vector({0.1, -0.2, 0.3}), 0.5, {}, true});
  for (int g = 0; g < 3; ++g) cma.tell(population(VectorXd::Zero(3), 1, g, 7));
  check(cma.mean(), {-0.020274153680173046, -0.032446304643597934, 0.08453217775759464});
  CHECK(cma.sigma() == Approx(0.47911895248807207).epsilon(1e-10));
  CHECK(cma.rate_of_mean() == Approx(0.7633763506572657).epsilon(1e-12));
  check(cma.covariance().col(0), {1.077198780348532, -0.2412196876565594, 0.30037394660539685});
}

// Medians of cmaes 0.13.0 and pycma 4.5.0 over 9 seeds, same start: sphere 1491 and 1452, ellipsoid 4403 and 4274 at d = 10.
TEST_CASE("CMA-ES reaches 1e-8 with as many evaluations as other implementations") {
  CHECK(median_evaluations(10, 3, 2, sphere) == Approx(1470).epsilon(0.05));
  CHECK(median_evaluations(10, 3, 2, ellipsoid) == Approx(4340).epsilon(0.07));
}

TEST_CASE("CMA-ES learns the valley of Rosenbrock's function") {
  CHECK(evaluations_to(1e-8, 5, 0, 0.5, false, 2, rosenbrock) < 2500);
}

TEST_CASE("the distance of a sample is that of a standard normal vector") {
  CmaEs cma({VectorXd::Zero(4), 0.3});
  for (int g = 0; g < 5; ++g) cma.tell(population(VectorXd::Zero(4), 0.3, g, 8));
  Rng rng{1, 1};
  double sum = 0;
  for (int k = 0; k < 4000; ++k) sum += std::pow(cma.distance(cma.sample(rng)), 2);
  CHECK(sum / 4000 == Approx(4).epsilon(0.05));
}

TEST_CASE("four generations of CatCMA with margin come out as in another implementation") {
  Dimension real, five, two, other;
  real.name = "real", real.max = 1;
  five.name = "five", five.kind = Dimension::Kind::integer, five.max = 4;
  two.name = "two", two.kind = Dimension::Kind::integer, two.max = 1;
  other = five, other.name = "other";
  const Space space = Space::make({real, five, two, other}).value();
  const Axes axes(space);
  CmaEs cma({vector({0.5, 0.5, 0.3, 0.88}), 0.03});
  Margin margin(axes, {0, 1, 2, 3}, Margin::of_mixed(4));
  Categories categories({3}, Margin::of_mixed(4));
  const std::vector<double> weights = CmaEs::recombination(6);
  for (int g = 0; g < 4; ++g) {
    auto points = population(vector({0.5, 0.47, 0.3, 0.85}), 0.08, g, 6);
    std::vector<std::vector<std::size_t>> chosen;
    for (int k = 0; k < 6; ++k) chosen.push_back({static_cast<std::size_t>((g + k * k) % 3)});
    margin.centre(points, cma);
    cma.tell(points);
    margin.correct(cma);
    categories.tell(chosen, weights);
  }
  check(cma.mean(), {0.46127393972706304, 0.47664344654343505, 0.18549711264155905, 0.8680853790581794});
  CHECK(cma.sigma() == Approx(0.052938243306766185).epsilon(1e-10));
  check(cma.scale(), {1.0, 1.8108892936030023, 4.24206013429244, 1.8741578618406967});
  check(Eigen::Map<const VectorXd>(categories.chances(0).data(), 3), {0.4910524239178601, 0.25935496742612957, 0.24959260865601046});
}

// With C = I the weight is 0.2 x spread / (sigma^2 d), by hand: 0.2 * 4 / (0.04 * 2) = 10.
TEST_CASE("what lies beyond a bound costs by the square of how far, in units of how results spread") {
  const CmaEs cma({vector({0.5, 0.5}), 0.2});
  Bounds bounds({true, false});
  CHECK(bounds.penalties({vector({-0.1, 2})}, cma).front() == 0);  // Nothing is known of the results yet.
  bounds.learn({1, 3, 5, 7});
  const auto costs = bounds.penalties({vector({0.3, 5}), vector({-0.1, 2}), vector({1.2, 0.5})}, cma);
  CHECK(costs[0] == 0);
  CHECK(costs[1] == Approx(0.1));
  CHECK(costs[2] == Approx(0.4));
}

TEST_CASE("BIPOP gives the next run to the kind that used fewer trials") {
  Restarts restarts(Restarts::Rule::bipop, 10, 0.2);
  CHECK(restarts.next(100, Rng{1, 1}).population == 20);  // The first run counts with the small ones.
  const auto small = restarts.next(500, Rng{1, 2});
  CHECK(small.population == 10);
  CHECK((small.sigma < 0.2 && small.sigma > 0.002));
  CHECK(small.most == 250);
  CHECK(restarts.next(250, Rng{1, 3}).population <= 10);  // 350 against 500.
  CHECK(restarts.next(250, Rng{1, 4}).population == 40);
}

TEST_CASE("IPOP doubles the population") {
  Restarts restarts(Restarts::Rule::ipop, 10, 0.2);
  CHECK(restarts.next(300, Rng{1, 1}).population == 20);
  CHECK(restarts.next(900, Rng{1, 2}).population == 40);
  CHECK(restarts.next(900, Rng{1, 3}).sigma == 0.2);
}

}  // namespace cma_strategy_test
