// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "search/arm.hpp"
#include "search/cma/restarts.hpp"

namespace tune {

struct CmaOptions {
  std::string name = "cmaes";  ///< Of the arm, in the notes of its proposals.
  double sigma = 0.2;          ///< First standard deviation, as a share of an axis.
  int population = 0;          ///< Results a generation; 0: 4 + floor(3 ln d).
  detail::Restarts::Rule restarts = detail::Restarts::Rule::bipop;
  bool adapt_rates = false;    ///< Slower and steadier, for noisy or rugged objectives.
  bool incumbent = false;      ///< Begins at the best trial there is, not in the middle of the space.
  bool warm_start = true;      ///< Begins with what the best tenth of at least 20 trials looks like. Goes before `incumbent`.
};

/// CMA-ES (search/cma/strategy.hpp) over the numeric axes, with a margin on the ordered ones (search/cma/margin.hpp)
/// and, where there are categorical axes, a categorical distribution beside it (search/cma/categories.hpp): CatCMA with
/// margin. Bounds by search/cma/bounds.hpp. The axes outlive the arm.
///
/// Its state is a fold over the results of its own proposals; the coordinates that were drawn, before they were brought
/// into the bounds and to the levels of ordered axes, and the generation stand in the notes. Others' trials count only
/// at the beginning.
///
/// No worker waits for a generation to be complete: any number of points may be out. A generation ends after as many
/// results as its population, or as there are points out if those are more. A result that comes later than its
/// generation counts if its Mahalanobis distance is below 3 sqrt(d), and is left out otherwise. A configuration that
/// was tried before is not proposed: its known result counts, and another one is drawn (so that a generation on few
/// levels costs few trials).
///
/// Failed and infeasible trials rank behind all others, those that violate outcome constraints before them by how much,
/// those that were ended early before these by the step that they reached. Inactive coordinates are drawn like all
/// others, and do not matter. suggest: O(d^2), and O(n d) for each draw that was tried before. learn: O(1), at a
/// generation's end O(lambda d^2) and O(d^3) every 1 / (10 d (c1 + cmu)) generations, which is O(d^2) a trial.
std::unique_ptr<Arm> cma_arm(const Axes&, std::uint64_t seed, CmaOptions);

/// CMA-ES for spaces without categorical parameters.
SamplerEntry cmaes_sampler();
/// CatCMA with margin, for all spaces.
SamplerEntry catcma_sampler();

}  // namespace tune
