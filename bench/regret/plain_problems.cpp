// SPDX-License-Identifier: Apache-2.0
// Problems whose parameters are all numbers.
#include <numbers>

#include "bench/regret/synthetic_parts.hpp"

namespace tune::regret::detail {
namespace {

std::string x(int i) { return "x" + std::to_string(i); }

Space cube(int dimensions, double min, double max) {
  std::vector<Dimension> all;
  for (int i = 0; i < dimensions; ++i) all.push_back(number(x(i), min, max));
  return Space::make(std::move(all)).value();
}

std::vector<double> numbers_of(const Params& params, int dimensions) {
  std::vector<double> out;
  for (int i = 0; i < dimensions; ++i) out.push_back(std::get<double>(*params.find(x(i))));
  return out;
}

/// A function of [low, high]^d that cannot be moved without cutting its minimum off: some axes are mirrored instead.
Problem mirrored(const std::string& set, std::string name, Function function, int d, double low, double high,
                 double optimum) {
  Problem p;
  p.set = set, p.name = std::move(name), p.space = cube(d, low, high), p.optimum = optimum;
  Rng rng = stream(set, p.name);
  std::vector<bool> flip;
  for (int i = 0; i < d; ++i) flip.push_back(rng.below(2) == 1);
  p.evaluate = [=](const Params& params) {
    auto at = numbers_of(params, d);
    for (std::size_t i = 0; i < at.size(); ++i)
      if (flip[i]) at[i] = low + high - at[i];
    return std::optional<double>{function(at)};
  };
  return p;
}

}  // namespace

Problem plain(const std::string& set, const Plain& f) {
  Problem p;
  p.set = set, p.name = f.name + "-" + std::to_string(f.dimensions) + (f.rotated ? "r" : "");
  p.space = cube(f.dimensions, -f.width / 2, f.width / 2), p.optimum = 0;
  Rng rng = stream(set, p.name);
  const auto at = place(rng, f.dimensions);
  const auto turn = f.rotated ? rotation(rng, f.dimensions) : std::vector<double>{};
  p.evaluate = [=](const Params& params) {
    auto z = numbers_of(params, f.dimensions);
    for (std::size_t i = 0; i < z.size(); ++i) z[i] -= f.width * (at[i] - 0.5);
    if (turn.empty()) return std::optional<double>{f.function(z)};
    std::vector<double> turned(z.size(), 0.0);
    for (std::size_t r = 0; r < z.size(); ++r)
      for (std::size_t i = 0; i < z.size(); ++i) turned[r] += turn[r * z.size() + i] * z[i];
    return std::optional<double>{f.function(turned)};
  };
  return p;
}

Problem schwefel(const std::string& set, int d) {
  return mirrored(set, "schwefel-" + std::to_string(d), functions::schwefel, d, -500, 500, 0);
}

Problem michalewicz(const std::string& set, int d) {
  return mirrored(set, "michalewicz-" + std::to_string(d), functions::michalewicz, d, 0, std::numbers::pi,
                  functions::michalewicz_minimum(d));
}

}  // namespace tune::regret::detail
