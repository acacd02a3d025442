// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <optional>
#include <span>

#include "search/gp/acquisition.hpp"
#include "search/trials.hpp"
#include "tuner/rng.hpp"

namespace tune::detail {

struct SearchEffort {
  int raw = 200;     ///< Points that are scored before any is improved.
  int starts = 4;    ///< Of them, how many are.
  int descent = 20;  ///< Iterations of each descent over the numeric axes.
};

/// What the kernel sees: NaN where an axis is inactive.
Eigen::VectorXd kernel_point(const Point&);
std::vector<KernelAxis> kernel_axes(const Axes&);

/// The point with the largest acquisition that was found, snapped, and never one that breaks the space's constraints.
/// Half of the raw points cover the space evenly, half are Gaussian perturbations of the best trials, in some of their
/// axes and at scales from 0.3 to 0.001 ("RAASP", Rashidi et al. 2024; Eriksson et al. 2019). The best of them climb: a
/// descent over the real axes, then axis by axis every other category and level, until nothing changes. Where the whole
/// space is discrete with few levels an axis, nothing is relaxed: neighbours of the best trials join the raw points, and the
/// best climbs from neighbour to neighbour, over configurations that were not tried yet.
///
/// `best_first`: indices into trials.all(). nullopt if no point scored holds the constraints and is new.
std::optional<Point> most_promising(const Acquisition&, const Trials& trials, std::span<const std::size_t> best_first, Rng&,
                                    const SearchEffort&);

}  // namespace tune::detail
