// SPDX-License-Identifier: Apache-2.0
// Problems where part of the space fails, as a GPU's memory or a solver's stability makes it fail.
#include <algorithm>

#include "bench/regret/synthetic_parts.hpp"

namespace tune::regret::detail {
namespace {

constexpr double kShare = 0.3;

/// How close to failing: larger is worse. In positions, where a category's is the middle of its share.
using Stress = std::function<double(const std::vector<double>&)>;

std::vector<double> positions(const Space& space, const Params& params) {
  std::vector<double> out;
  for (const auto& d : space.dimensions()) out.push_back(*d.position(*params.find(d.name)));
  return out;
}

struct Wanted {
  std::string name;
  std::vector<Dimension> dimensions;
  Function function;
  double scale;
  Stress stress;
  double least = 0, most = 0.6;  // The minimum's stress, as a share of the space that is under less.
};

// The stress that 70 % of the space stays below is the limit. The minimum is drawn until it is where it is wanted.
Problem made(const std::string& set, const Wanted& w) {
  constexpr int kDraws = 4'000;
  Problem p;
  p.set = set, p.name = w.name, p.optimum = 0, p.space = Space::make(w.dimensions).value();
  Rng rng = stream(set, w.name);
  std::vector<double> seen, unit(p.space.size());
  for (int i = 0; i < kDraws; ++i) {
    for (double& u : unit) u = rng.uniform();
    seen.push_back(w.stress(positions(p.space, p.space.decode(unit))));
  }
  std::sort(seen.begin(), seen.end());
  const auto at_share = [&](double share) { return seen[static_cast<std::size_t>(share * (kDraws - 1))]; };
  const double limit = at_share(1 - kShare);
  std::vector<double> at;
  do {
    for (double& u : unit) u = 0.15 + 0.7 * rng.uniform();
    at = positions(p.space, p.space.decode(unit));
  } while (w.stress(at) < at_share(w.least) || w.stress(at) > at_share(w.most));
  p.evaluate = [=, space = p.space, stress = w.stress, f = w.function, scale = w.scale](const Params& params) {
    auto u = positions(space, params);
    if (stress(u) > limit) return std::optional<double>{};
    for (std::size_t i = 0; i < u.size(); ++i) u[i] = 10 * (u[i] - at[i]);
    return std::optional<double>{scale * f(u)};
  };
  return p;
}

std::vector<Dimension> cube(int d) {
  std::vector<Dimension> all;
  for (int i = 0; i < d; ++i) all.push_back(number("x" + std::to_string(i), 0, 1));
  return all;
}

}  // namespace

std::vector<Problem> failing(const std::string& set) {
  std::vector<Problem> out;
  // Batch size times width fills the memory; the best is large.
  out.push_back(made(set, {"memory",
                           {number("batch", 8, 1024, true), number("width", 16, 4096, true), number("rate", 1e-5, 1, true)},
                           functions::sphere,
                           1,
                           [](const auto& u) { return u[0] + u[1]; },
                           0.5,
                           0.65}));
  // A corner of six dimensions, cut by an oblique plane.
  out.push_back(made(set, {"corner", cube(6), functions::rosenbrock, 1,
                           [](const auto& u) { return u[0] + 0.7 * u[1] + 0.4 * u[2] - 0.6 * u[3]; }}));
  // A ball in the middle of four dimensions.
  out.push_back(made(set, {"ball", cube(4), functions::rastrigin, 1, [](const auto& u) {
                             double square = 0;
                             for (const double v : u) square += (v - 0.5) * (v - 0.5);
                             return -square;
                           }}));
  // One of three categories mostly fails, the others at high rates.
  out.push_back(made(set, {"category",
                           {choice("kind", 3), number("rate", 1e-5, 1, true), number("x", 0, 1)},
                           functions::sphere,
                           1,
                           [](const auto& u) { return u[1] + (u[0] > 0.6 ? 0.6 : 0); }}));
  // Ten dimensions, the minimum near the border.
  out.push_back(made(set, {"border", cube(10), functions::ellipsoid, 0.1,
                           [](const auto& u) { return u[0] + u[1] + u[2]; }, 0.6, 0.69}));
  return out;
}

}  // namespace tune::regret::detail
