// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/synthetic_parts.hpp"

#include <cmath>

namespace tune::regret::detail {

Dimension number(std::string name, double min, double max, bool log) {
  Dimension d;
  d.name = std::move(name), d.min = min, d.max = max;
  d.kind = log ? Dimension::Kind::loguniform : Dimension::Kind::uniform;
  return d;
}

Dimension integer(std::string name, double min, double max) {
  Dimension d;
  d.name = std::move(name), d.min = min, d.max = max, d.kind = Dimension::Kind::integer;
  return d;
}

Dimension choice(std::string name, int values) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::choice;
  for (int v = 0; v < values; ++v) d.values.emplace_back(std::string(1, static_cast<char>('a' + v)));
  return d;
}

Rng stream(const std::string& set, const std::string& name) {
  return {fingerprint({{"set", set}}), fingerprint({{"name", name}})};
}

std::vector<double> place(Rng& rng, int dimensions) {
  std::vector<double> out(static_cast<std::size_t>(dimensions));
  for (double& u : out) u = 0.15 + 0.7 * rng.uniform();
  return out;
}

// Gram-Schmidt on normal vectors.
std::vector<double> rotation(Rng& rng, int dimensions) {
  const auto d = static_cast<std::size_t>(dimensions);
  std::vector<double> rows(d * d);
  for (std::size_t r = 0; r < d; ++r) {
    double* row = &rows[r * d];
    for (std::size_t i = 0; i < d; ++i) row[i] = rng.normal();
    for (std::size_t before = 0; before < r; ++before) {
      double dot = 0;
      for (std::size_t i = 0; i < d; ++i) dot += row[i] * rows[before * d + i];
      for (std::size_t i = 0; i < d; ++i) row[i] -= dot * rows[before * d + i];
    }
    double norm = 0;
    for (std::size_t i = 0; i < d; ++i) norm += row[i] * row[i];
    for (std::size_t i = 0; i < d; ++i) row[i] /= std::sqrt(norm);
  }
  return rows;
}

double position(const Space& space, const Params& params, const std::string& name) {
  return *space.find(name)->position(*params.find(name));
}

int index_of(const Params& params, const std::string& name) { return std::get<std::string>(*params.find(name))[0] - 'a'; }

}  // namespace tune::regret::detail
