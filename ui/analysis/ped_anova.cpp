// SPDX-License-Identifier: Apache-2.0
// The grid, the kernels and their bandwidth follow the authors' implementation (nabenabe0928/local-anova) and Optuna's
// (optuna/importance/_ped_anova), to which the tests compare.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "ui/analysis/importance.hpp"

namespace tune {
namespace {

constexpr double kPriorWeight = 1;
constexpr double kFloor = 1e-12;                // Of a density on the grid.
constexpr double kLeastBandwidth = 0.5 / 1.64;  // In cells: nine tenths of a kernel within its own cell.
constexpr std::int64_t kLeastInRegime = 2;      // Trials in which a conditional parameter is active.

using Counts = std::vector<double>;

/// A factor as the cell of the grid that each trial falls into.
struct Gridded {
  std::size_t cells = 0;
  bool categorical = false;
  std::vector<std::int32_t> cell;  // By trial; -1: not active.
};

std::size_t cells_of(const Factor& factor, int most) {
  if (factor.categorical) return static_cast<std::size_t>(factor.levels);
  if (factor.levels == 0) return static_cast<std::size_t>(most);
  // Integers on a logarithmic scale crowd at its upper end: as many cells as the range has doublings.
  const auto levels = factor.logarithmic
                          ? static_cast<std::int64_t>(std::ceil(std::log2(static_cast<double>(factor.levels)))) + 1
                          : factor.levels;
  return static_cast<std::size_t>(std::min<std::int64_t>(levels, most));
}

Gridded gridded(const Factor& factor, int most) {
  Gridded out{cells_of(factor, most), factor.categorical, {}};
  out.cell.reserve(factor.at.size());
  const auto last = static_cast<double>(out.cells) - 1;
  const auto levels = static_cast<double>(factor.levels);
  // Levels have equal shares of the prior: the ends of the scale are the middles of the first and the last.
  const bool even = factor.levels > 1 && !factor.logarithmic && !factor.categorical;
  const double stretch = even ? levels / (levels - 1) : 1, shift = even ? 0.5 / (levels - 1) : 0;
  for (const double at : factor.at) {
    if (std::isnan(at)) {
      out.cell.push_back(-1);
      continue;
    }
    const double place = factor.categorical ? at : std::ceil((at * stretch - shift) * last - 0.5 - 1e-9);
    out.cell.push_back(static_cast<std::int32_t>(std::clamp(place, 0.0, last)));
  }
  return out;
}

double normal_cdf(double z) { return 0.5 * std::erfc(-z / std::sqrt(2.0)); }

/// Scott's rule on weighted cells, in cells.
double bandwidth(const Counts& counts) {
  double total = 0, mean = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) total += counts[c], mean += counts[c] * static_cast<double>(c);
  mean /= total;
  double squares = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) squares += counts[c] * std::pow(static_cast<double>(c) - mean, 2);
  const double deviation = std::sqrt(squares / std::max(1.0, total - 1));
  double below = 0, lower = -1, upper = -1, last = 0;
  for (std::size_t c = 0; c < counts.size(); ++c) {
    if (counts[c] == 0) continue;
    below += counts[c];
    last = static_cast<double>(c);
    if (lower < 0 && below >= std::floor(total / 4)) lower = last;
    if (upper < 0 && below > std::floor(total * 3 / 4)) upper = last;
  }
  if (upper < 0) upper = last;
  const double scott = 1.059 * std::min((upper - lower) / 1.34, deviation) * std::pow(total, -0.2);
  return std::max(scott, kLeastBandwidth);
}

/// Adds `weight` times a kernel that is cut to the grid and rounded to cells. `edges`: its distribution function at the
/// ends of the cells.
void add_kernel(Counts& density, double weight, std::span<const double> edges) {
  const double mass = edges[density.size()] - edges[0];
  for (std::size_t c = 0; c < density.size(); ++c) density[c] += weight * (edges[c + 1] - edges[c]) / mass;
}

Counts numeric_density(const Counts& counts) {
  const std::size_t n = counts.size();
  const double total = [&] {
    double sum = kPriorWeight;
    for (const double c : counts) sum += c;
    return sum;
  }();
  const double sigma = bandwidth(counts);
  // Kernels of one width centred on cells share one table of the distribution function.
  std::vector<double> table(2 * n);
  for (std::size_t i = 0; i < 2 * n; ++i)
    table[i] = normal_cdf((static_cast<double>(i) - static_cast<double>(n) + 0.5) / sigma);
  Counts density(n, 0.0);
  for (std::size_t c = 0; c < n; ++c) {
    if (counts[c] == 0) continue;
    const std::span<const double> edges(table.data() + (n - 1 - c), n + 1);
    add_kernel(density, counts[c] / total, edges);
  }
  std::vector<double> prior(n + 1);
  const double middle = (static_cast<double>(n) - 1) / 2;
  for (std::size_t e = 0; e <= n; ++e)
    prior[e] = normal_cdf((static_cast<double>(e) - 0.5 - middle) / static_cast<double>(n));
  add_kernel(density, kPriorWeight / total, prior);
  return density;
}

Counts categorical_density(const Counts& counts) {
  const auto n = static_cast<double>(counts.size());
  double total = kPriorWeight, kernels = 1;
  for (const double c : counts) total += c, kernels += c > 0;
  // A kernel gives its own value 1 and every value this much, before it is made to sum to 1.
  const double elsewhere = kPriorWeight / kernels;
  Counts density(counts.size(), 0.0);
  for (std::size_t c = 0; c < counts.size(); ++c) density[c] += counts[c] / total / (1 + elsewhere * n);
  for (double& d : density) d += (total - kPriorWeight) / total * elsewhere / (1 + elsewhere * n) + kPriorWeight / total / n;
  return density;
}

/// sum_x p_all(x) (p_best(x) / p_all(x) - 1)^2
double pearson_divergence(const Gridded& grid, const Counts& best, const Counts& all) {
  const auto density = grid.categorical ? categorical_density : numeric_density;
  const auto p = density(best), q = density(all);
  double sum = 0;
  for (std::size_t c = 0; c < p.size(); ++c) {
    const double other = q[c] + kFloor;
    sum += other * std::pow((p[c] + kFloor) / other - 1, 2);
  }
  return sum;
}

/// How often each trial counts in this pass.
using Weights = std::vector<std::int32_t>;

struct Split {
  Weights best;  // Those of the best trials; 0 for the others.
  double best_count = 0, count = 0;
};

/// `order`: trials, best first.
Split split(const Evidence& evidence, const std::vector<std::size_t>& order, const Weights& weights, double target) {
  Split out{Weights(weights.size(), 0), 0, 0};
  for (const auto w : weights) out.count += w;
  const double wanted = std::ceil(target * out.count);
  double worst = 0;
  for (const auto t : order) {
    if (weights[t] == 0) continue;
    if (out.best_count >= wanted && evidence.outcomes[t] > worst) break;
    worst = evidence.outcomes[t];
    out.best[t] = weights[t];
    out.best_count += weights[t];
  }
  return out;
}

double importance(const Gridded& grid, const Split& split, const Weights& weights) {
  Counts best(grid.cells, 0.0), all(grid.cells, 0.0);
  for (std::size_t t = 0; t < grid.cell.size(); ++t) {
    if (grid.cell[t] < 0) continue;
    const auto c = static_cast<std::size_t>(grid.cell[t]);
    all[c] += weights[t];
    best[c] += split.best[t];
  }
  double active = 0, best_active = 0;
  for (std::size_t c = 0; c < grid.cells; ++c) active += all[c], best_active += best[c];
  if (active < kLeastInRegime || best_active == 0) return 0;
  const double gamma = split.best_count / split.count;
  const double alpha = best_active / split.best_count, beta = active / split.count;
  return gamma * gamma * alpha * alpha / beta * pearson_divergence(grid, best, all);
}

std::vector<double> importances(const Evidence& evidence, const std::vector<Gridded>& grids,
                                const std::vector<std::size_t>& order, const Weights& weights, const PedAnova& how) {
  const auto parts = split(evidence, order, weights, how.target);
  std::vector<double> out;
  double sum = 0;
  for (const auto& grid : grids) {
    out.push_back(importance(grid, parts, weights));
    sum += out.back();
  }
  if (how.shares && sum > 0)
    for (double& value : out) value /= sum;
  return out;
}

std::vector<std::size_t> best_first(std::span<const double> outcomes) {
  std::vector<std::size_t> order(outcomes.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](auto a, auto b) {
    return outcomes[a] < outcomes[b] || (outcomes[a] == outcomes[b] && a < b);
  });
  return order;
}

}  // namespace

std::vector<Importance> ped_anova(const Evidence& evidence, const PedAnova& how, Rng rng) {
  const std::size_t n = evidence.outcomes.size(), d = evidence.factors.size();
  std::vector<Importance> out;
  std::vector<Gridded> grids;
  for (const auto& factor : evidence.factors) {
    out.push_back({factor.name, 0, 0});
    grids.push_back(gridded(factor, how.cells));
  }
  if (n < 2) return out;
  const auto order = best_first(evidence.outcomes);
  Weights weights(n, 1);
  const auto whole = importances(evidence, grids, order, weights, how);
  for (std::size_t f = 0; f < d; ++f) out[f].value = whole[f];

  std::vector<double> sum(d, 0.0), squares(d, 0.0);
  for (int r = 0; r < how.resamples; ++r) {
    std::fill(weights.begin(), weights.end(), 0);
    for (std::size_t t = 0; t < n; ++t) ++weights[rng.below(n)];
    const auto part = importances(evidence, grids, order, weights, how);
    for (std::size_t f = 0; f < d; ++f) sum[f] += part[f], squares[f] += part[f] * part[f];
  }
  for (std::size_t f = 0; f < d && how.resamples > 1; ++f)
    out[f].spread = std::sqrt(std::max(0.0, (squares[f] - sum[f] * sum[f] / how.resamples) / (how.resamples - 1)));
  return out;
}

}  // namespace tune
