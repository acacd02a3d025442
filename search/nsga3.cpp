// SPDX-License-Identifier: Apache-2.0
#include "search/nsga3.hpp"

#include <Eigen/LU>
#include <algorithm>
#include <cmath>
#include <limits>

namespace tune {
namespace detail {
namespace {

using Rows = std::vector<std::size_t>;

/// How many points a layer with so many divisions has: C(m + p - 1, p), or `most` + 1 if it is beyond that.
std::size_t layer_size(std::size_t objectives, std::size_t divisions, std::size_t most) {
  double size = 1;
  for (std::size_t i = 1; i < objectives; ++i)
    size = size * static_cast<double>(divisions + i) / static_cast<double>(i);
  return size > static_cast<double>(most) ? most + 1 : static_cast<std::size_t>(std::lround(size));
}

std::size_t most_divisions(std::size_t objectives, std::size_t most) {
  std::size_t p = 0;
  while (p < most && layer_size(objectives, p + 1, most) <= most) ++p;
  return p;
}

void add_layer(std::size_t objectives, std::size_t divisions, double size, std::vector<std::vector<double>>& out) {
  std::vector<std::size_t> shares(objectives, 0);
  shares.back() = divisions;
  while (true) {
    std::vector<double> direction;
    for (const std::size_t s : shares)
      direction.push_back(size * static_cast<double>(s) / static_cast<double>(divisions) +
                          (1 - size) / static_cast<double>(objectives));
    out.push_back(std::move(direction));
    // The next composition: one share moves left of the last one that is not empty, the rest gathers at the end.
    std::size_t i = objectives - 1;
    while (i > 0 && shares[i] == 0) --i;
    if (i == 0) return;
    const std::size_t rest = shares[i] - 1;
    shares[i] = 0;
    ++shares[i - 1];
    shares.back() = rest;
  }
}

/// The point that is extreme along each objective, by the achievement scalarising function (equation 4).
Rows extremes(const Outcomes& outcomes, const Rows& rows, const Eigen::VectorXd& ideal) {
  Rows result;
  for (std::size_t axis = 0; axis < outcomes.objectives(); ++axis) {
    double least = std::numeric_limits<double>::infinity();
    std::size_t best = rows.front();
    for (const std::size_t i : rows) {
      double most = 0;
      for (std::size_t j = 0; j < outcomes.objectives(); ++j)
        most = std::max(most, (outcomes[i][j] - ideal[static_cast<Eigen::Index>(j)]) / (j == axis ? 1 : 1e-6));
      if (most < least) least = most, best = i;
    }
    result.push_back(best);
  }
  return result;
}

/// How far the front reaches along each objective: the intercepts of the plane through the extreme points, or the
/// range of the rows where there is no such plane.
Eigen::VectorXd reach(const Outcomes& outcomes, const Rows& rows, const Eigen::VectorXd& ideal) {
  const auto m = static_cast<Eigen::Index>(outcomes.objectives());
  const Rows corners = extremes(outcomes, rows, ideal);
  Eigen::MatrixXd plane(m, m);
  Eigen::VectorXd range = Eigen::VectorXd::Zero(m);
  for (Eigen::Index j = 0; j < m; ++j) {
    for (Eigen::Index k = 0; k < m; ++k)
      plane(k, j) = outcomes[corners[static_cast<std::size_t>(k)]][static_cast<std::size_t>(j)] - ideal[j];
    for (const std::size_t i : rows) range[j] = std::max(range[j], outcomes[i][static_cast<std::size_t>(j)] - ideal[j]);
  }
  const Eigen::FullPivLU<Eigen::MatrixXd> solver(plane);
  if (solver.isInvertible()) {
    const Eigen::VectorXd intercepts = solver.solve(Eigen::VectorXd::Ones(m)).cwiseInverse();
    if (intercepts.allFinite() && (intercepts.array() > 1e-10).all()) return intercepts;
  }
  for (Eigen::Index j = 0; j < m; ++j)
    if (!(range[j] > 0)) range[j] = 1;
  return range;
}

struct Place {
  std::size_t niche;
  double distance;
};

/// The direction whose line passes nearest.
Place place_of(const Eigen::VectorXd& y, const std::vector<std::vector<double>>& directions) {
  Place nearest{0, std::numeric_limits<double>::infinity()};
  for (std::size_t k = 0; k < directions.size(); ++k) {
    const Eigen::Map<const Eigen::VectorXd> w(directions[k].data(), y.size());
    const double distance = (y - (y.dot(w) / w.squaredNorm()) * w).norm();
    if (distance < nearest.distance) nearest = {k, distance};
  }
  return nearest;
}

}  // namespace

std::vector<std::vector<double>> reference_directions(std::size_t objectives, std::size_t most) {
  std::vector<std::vector<double>> result;
  const std::size_t outer = std::max<std::size_t>(most_divisions(objectives, most), 1);
  add_layer(objectives, outer, 1, result);
  if (objectives > 1 && outer < objectives && result.size() < most)
    if (const std::size_t inner = most_divisions(objectives, most - result.size()); inner > 0)
      add_layer(objectives, std::min(inner, outer), 0.5, result);
  return result;
}

std::size_t Niches::leaves(const Outcomes& outcomes, const Rows& before, const Rows& last) const {
  const auto finite = [&](std::size_t i) {
    return std::all_of(outcomes[i].begin(), outcomes[i].end(), [](double v) { return std::isfinite(v); });
  };
  Rows rows = last;
  std::copy_if(before.begin(), before.end(), std::back_inserter(rows), finite);
  const auto m = static_cast<Eigen::Index>(outcomes.objectives());
  const auto row = [&](std::size_t i) { return Eigen::Map<const Eigen::VectorXd>(outcomes[i].data(), m); };
  Eigen::VectorXd ideal = row(last.front());
  for (const std::size_t i : rows) ideal = ideal.cwiseMin(row(i));
  const Eigen::VectorXd unit = reach(outcomes, rows, ideal);

  std::vector<Place> places;
  std::vector<std::size_t> count(directions_.size(), 0);
  for (const std::size_t i : rows) {
    places.push_back(place_of((row(i) - ideal).cwiseQuotient(unit), directions_));
    ++count[places.back().niche];
  }
  // Filling up the emptiest niches one by one (algorithm 4) leaves out one of the fullest niche, and not its nearest.
  std::size_t gone = 0;
  for (std::size_t k = 1; k < last.size(); ++k) {
    const std::size_t here = count[places[k].niche], there = count[places[gone].niche];
    if (here > there || (here == there && places[k].distance > places[gone].distance)) gone = k;
  }
  return gone;
}

std::vector<double> Niches::preferences(const Outcomes& outcomes, const std::vector<Rows>&) const {
  return std::vector<double>(outcomes.size(), 0);
}

}  // namespace detail

SamplerEntry nsga3_sampler() {
  return {{"nsga3", "A genetic algorithm for many objectives: non-dominated sorting and reference directions.",
           detail::nsga_options()},
          [](const SamplerContext& c) -> Result<std::unique_ptr<Sampler>> {
            ArmSettings settings{.name = "nsga3"};
            settings.starts = static_cast<int>(detail::nsga_settings(c).population);
            return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
                c, settings, +[](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
                  const auto s = detail::nsga_settings(context);
                  return std::make_unique<detail::NsgaArm>(
                      axes, "nsga3", s,
                      std::make_unique<detail::Niches>(detail::reference_directions(context.objectives.size(), s.population)));
                }));
          }};
}

}  // namespace tune
