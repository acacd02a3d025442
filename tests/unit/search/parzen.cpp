// SPDX-License-Identifier: Apache-2.0
// Figures called Optuna's are _ParzenEstimator.log_pdf of Optuna 5.0.0 on the same observations, with prior_weight 1, magic
// clip and its default weights, equal observations kept in order (its argsort made stable); those of the normal distribution are its _log_gauss_mass (SciPy's log_ndtr).
#include "search/parzen.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "search/lanes.hpp"

namespace parzen_test {

using namespace tune;
using namespace tune::detail;

namespace {

constexpr NarrowestKernel kOptuna{0.01, 1};

std::vector<float> even_edges(int n) {
  std::vector<float> e;
  for (int i = 0; i <= n; ++i) e.push_back(static_cast<float>(i) / static_cast<float>(n));
  return e;
}

// Integers 1 to 8 on a logarithmic axis, as Optuna has them: from ln 0.5 to ln 8.5.
double log_position(double value) { return std::log(value / 0.5) / std::log(8.5 / 0.5); }

// f in [0, 1]; k of 0..4; w of 1..8, logarithmic; c of three categories.
std::vector<ParzenAxis> four_axes() {
  std::vector<ParzenAxis> axes(4);
  axes[1].edges = even_edges(5);
  for (int i = 0; i <= 8; ++i) axes[2].edges.push_back(static_cast<float>(log_position(i + 0.5)));
  axes[2].edges.front() = 0, axes[2].edges.back() = 1;
  axes[3].categories = 3;
  return axes;
}

std::vector<float> at(double f, int k, int w, int c) {
  return {static_cast<float>(f), static_cast<float>((k + 0.5) / 5), static_cast<float>(log_position(w)),
          static_cast<float>(c)};
}

ParzenPoints points(const std::vector<std::vector<float>>& rows, std::size_t axes) {
  ParzenPoints p;
  p.columns.resize(axes);
  for (const auto& row : rows)
    for (std::size_t j = 0; j < axes; ++j) p.columns[j].push_back(row[j]);
  p.weights.assign(rows.size(), 1);
  return p;
}

std::vector<float> scores(const Parzen& p, const std::vector<std::vector<float>>& candidates) {
  std::vector<float> flat;
  for (const auto& c : candidates) flat.insert(flat.end(), c.begin(), c.end());
  return p.score(flat, candidates.size());
}

const std::vector<std::vector<float>> kCandidates{at(.22, 1, 2, 0), at(.95, 4, 8, 2), at(0, 0, 1, 1), at(.6, 3, 4, 1)};

void check(const std::vector<float>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t i = 0; i < got.size(); ++i) CHECK(got[i] == Approx(expected[i]).margin(2e-5).epsilon(1e-5));
}

}  // namespace

TEST_CASE("four numbers at once have the exponentials and logarithms of the standard library", "[search]") {
  for (float x = -80; x < 80; x += 0.37f) {
    CHECK(exp(all(x))[1] == Approx(std::exp(x)).epsilon(5e-7));
    if (x > 0) CHECK(log(all(x))[2] == Approx(std::log(x)).epsilon(5e-7).margin(1e-7));
  }
  for (float x = 0; x < 9; x += 0.13f)
    CHECK(erfc(all(x))[0] == Approx(std::erfc(static_cast<double>(x))).epsilon(3e-6).margin(1e-36));
}

TEST_CASE("the mass of the normal distribution keeps its digits in both tails", "[search]") {
  const double table[][3] = {{-1, 2, -0.2001662943},   {3, 3.1, -7.8693184711},    {10, 12, -53.2312851507},
                             {30, 31, -454.3212439563}, {-8, -7.5, -31.0955794508}, {-.3, .2, -1.6236832389}};
  for (const auto& [a, b, expected] : table)
    CHECK(log_normal_mass(all(static_cast<float>(a)), all(static_cast<float>(b)))[3] == Approx(expected).epsilon(1e-5));
}

TEST_CASE("a joint estimator of every kind of axis has Optuna's log densities", "[search]") {
  const auto axes = four_axes();
  const std::vector<std::vector<float>> seen{at(.2, 0, 1, 0),  at(.25, 1, 2, 0), at(.9, 1, 2, 1),
                                             at(.21, 4, 8, 2), at(.5, 1, 5, 0),  at(1, 2, 3, 0)};
  const Parzen p{axes, points(seen, 4), kOptuna};
  check(scores(p, kCandidates), {-2.7531022865, -7.4784174103, -4.5678992502, -6.6375187074});
}

TEST_CASE("each kind of axis alone has Optuna's log densities", "[search]") {
  const auto axes = four_axes();
  const std::vector<std::vector<float>> seen{at(.2, 0, 1, 0),  at(.25, 1, 2, 0), at(.9, 1, 2, 1),
                                             at(.21, 4, 8, 2), at(.5, 1, 5, 0),  at(1, 2, 3, 0)};
  const std::vector<std::vector<double>> expected{{0.4473019335, 0.2765991504, -0.4327807786, -0.477341441},
                                                  {-1.1179084896, -2.3093985495, -1.4329306125, -2.0851995371},
                                                  {-1.5002476188, -3.0355769776, -1.4029657507, -2.2010857231},
                                                  {-0.6286086594, -1.4552872326, -1.4552872326, -1.4552872326}};
  for (std::size_t j = 0; j < 4; ++j) {
    const auto only = [&](std::vector<std::vector<float>> rows) {
      for (auto& row : rows) row = {row[j]};
      return rows;
    };
    check(scores(Parzen{std::span{axes}.subspan(j, 1), points(only(seen), 1), kOptuna}, only(kCandidates)), expected[j]);
  }
}

TEST_CASE("two hundred weighted observations, one and none have Optuna's log densities", "[search]") {
  const auto axes = four_axes();
  std::vector<std::vector<float>> seen;
  for (int i = 0; i < 200; ++i)
    seen.push_back(at(std::fmod(i * 0.618033988749895, 1) * .3, i * 3 % 5, 1 + i * 5 % 8, i % 3));
  auto all = points(seen, 4);
  for (int i = 0; i < 175; ++i) all.weights[static_cast<std::size_t>(i)] = 1 / 200. + (1 - 1 / 200.) * i / 174.;
  check(scores(Parzen{axes, all, kOptuna}, kCandidates), {-4.774894301, -10.7372273053, -8.4416199769, -9.7968583974});
  seen.resize(1);
  check(scores(Parzen{axes, points(seen, 4), kOptuna}, kCandidates),
        {-3.8534367893, -6.4403857977, -3.778557067, -5.3756593132});
  check(scores(Parzen{axes, points({}, 4), kOptuna}, kCandidates),
        {-4.3606513429, -6.0015772529, -3.7913993988, -5.061208345});
}

TEST_CASE("the densities of an estimator sum to one over a discrete axis and a missing one", "[search]") {
  std::vector<ParzenAxis> axes(3);
  axes[0].categories = 2;
  axes[1].edges = even_edges(4);
  axes[1].conditional = true;
  axes[2].conditional = true;
  // Category 0 has the second coordinate, category 1 the third, which stands for all that is left here.
  const std::vector<std::vector<float>> seen{
      {0, .125f, kNoCoordinate}, {0, .375f, kNoCoordinate}, {1, kNoCoordinate, .3f}, {1, kNoCoordinate, .9f}};
  const Parzen p{axes, points(seen, 3), {0.02, 2}};
  double total = 0;
  for (const float k : {.125f, .375f, .625f, .875f}) total += std::exp(scores(p, {{0, k, kNoCoordinate}})[0]);
  for (int i = 0; i < 1000; ++i)
    total += std::exp(scores(p, {{1, kNoCoordinate, (static_cast<float>(i) + 0.5f) / 1000}})[0]) / 1000;
  CHECK(total == Approx(1).epsilon(1e-4));
}

TEST_CASE("bins that are narrow beside the kernels have the mass that wide ones have together", "[search]") {
  std::vector<ParzenAxis> fine(1), coarse(1);
  fine[0].edges = even_edges(1000), coarse[0].edges = even_edges(10);
  const std::vector<std::vector<float>> seen{{.05f}, {.25f}, {.85f}};
  double total = 0;
  const Parzen p{fine, points(seen, 1), {0.05, 2}};
  for (int i = 200; i < 300; ++i) total += std::exp(scores(p, {{(static_cast<float>(i) + 0.5f) / 1000}})[0]);
  CHECK(std::log(total) == Approx(scores(Parzen{coarse, points(seen, 1), {0.05, 2}}, {{.25f}})[0]).margin(1e-3));
}

TEST_CASE("draws of an estimator are as frequent as its densities say", "[search]") {
  const auto axes = four_axes();
  const Parzen p{axes, points({at(.1, 0, 1, 0), at(.15, 1, 2, 2), at(.7, 3, 8, 2)}, 4), kOptuna};
  Rng rng{1, 2};
  std::vector<float> x(4);
  std::vector<int> bins(5), categories(3);
  int low = 0;
  for (int i = 0; i < 100'000; ++i) {
    p.draw(rng, x);
    for (const auto u : {x[0], x[1], x[2]}) REQUIRE((u >= 0 && u <= 1));
    ++bins[static_cast<std::size_t>(std::min(x[1] * 5, 4.f))];
    ++categories[static_cast<std::size_t>(x[3])];
    low += x[0] < 0.25f;
  }
  const auto frequency = [](int n) { return n / 100'000.0; };
  const auto alone = [&](std::size_t axis, std::vector<std::vector<float>> seen, float value) {
    return std::exp(scores(Parzen{std::span{axes}.subspan(axis, 1), points(seen, 1), kOptuna}, {{value}})[0]);
  };
  for (int k = 0; k < 5; ++k)
    CHECK(frequency(bins[static_cast<std::size_t>(k)]) ==
          Approx(alone(1, {{.1f}, {.3f}, {.7f}}, (static_cast<float>(k) + .5f) / 5)).margin(0.006));
  for (int c = 0; c < 3; ++c)
    CHECK(frequency(categories[static_cast<std::size_t>(c)]) ==
          Approx(alone(3, {{0}, {2}, {2}}, static_cast<float>(c))).margin(0.006));
  double mass = 0;
  for (int i = 0; i < 250; ++i) mass += alone(0, {{.1f}, {.15f}, {.7f}}, (static_cast<float>(i) + .5f) / 1000) / 1000;
  CHECK(frequency(low) == Approx(mass).margin(0.006));
}

}  // namespace parzen_test
