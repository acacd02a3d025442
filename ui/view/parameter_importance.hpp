// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <optional>
#include <vector>

#include "store/sqlite/reader.hpp"
#include "tuner/spec.hpp"
#include "ui/analysis/importance.hpp"

namespace tune {

/// Smaller is better. +infinity: failed, infeasible, or not finite. nullopt: not settled, or cancelled by a person.
std::optional<double> score_of(const TrialRow&, const Spec&, std::size_t objective);

enum class ImportanceMethod { ped_anova, fanova };

/// Which parameters matter in an experiment of the store.
struct ParameterImportance {
  std::vector<Importance> parameters;  ///< Most important first.
  std::size_t seen = 0;                ///< Trials that it was told from.
  std::size_t useful = 0;              ///< Of them those with a result: complete ones, for PED-ANOVA stopped ones too.
  bool few = false;                    ///< So few that it may change with the next ones.
};

/// PED-ANOVA sees complete trials and then stopped ones, those that got further first, and its importances sum to 1; fANOVA
/// sees complete ones and tells shares of the variance. not_found: fewer than two trials have a result. O(n d) and some
/// tenths of a second for ten thousand trials.
Result<ParameterImportance> parameter_importance(const StoreReader&, const ExperimentRow&, const Spec&, std::size_t objective,
                                                 ImportanceMethod);

}  // namespace tune
