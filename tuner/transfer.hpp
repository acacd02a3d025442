// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// A finished trial of another experiment, as its journal tells of it.
struct ForeignTrial {
  Params params;
  TrialState state = TrialState::complete;
  std::vector<double> values;  ///< By the objectives of its own experiment, as reported.
  bool feasible = true;
};

/// What `into` can learn from trials of `from` (`warm_start`): the fact that is copied into its journal.
///
/// Objectives are matched by metric, parameters by name. A value must be one of the parameter's here (a whole number may
/// become a fraction and the other way round). A parameter that a trial lacks is taken where its prior is (`at`, or the
/// heaviest value), else in the middle: all lessons then lie on one place of that axis, and a model stays curious about the
/// rest. Trials that are outside this space, or break its constraints, are left out and counted in `unmatched`.
///
/// Only finished trials count: complete ones, and those that failed or were infeasible (a trial that broke an outcome
/// constraint comes as infeasible). Of more than `most` a quarter are the best by the first objective and the others are
/// spread evenly over the ranks, so that a model sees the hills as well as the valley; at most a quarter are failures.
/// invalid: `from` never measured an objective of `into`.
Result<Imported> transfer(const Spec& from, const std::vector<ForeignTrial>&, const Spec& into, std::size_t most);

/// "learned 40 trials of `net-small`; not matched: …" for people.
std::string text_of(const Imported&);

/// The best complete trial by the first objective of `into`; nullptr if there is none.
const Imported::Trial* best_of(const Imported&, const Spec& into);

}  // namespace tune
