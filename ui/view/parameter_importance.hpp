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
  std::vector<Interaction> pairs;      ///< Likewise.
  std::size_t seen = 0;                ///< Trials that it was told from.
  std::size_t useful = 0;              ///< Of them those with a result: complete ones, for PED-ANOVA stopped ones too.
  bool few = false;                    ///< So few that it may change with the next ones.
};

/// PED-ANOVA sees complete trials and then stopped ones, those that got further first, and its importances sum to 1; fANOVA
/// sees complete ones and tells shares of the variance. not_found: fewer than two trials have a result. O(n d) and some
/// tenths of a second for ten thousand trials. fANOVA can tell `pairs` too, each two of that many of the most important
/// parameters; it takes twice as long then.
Result<ParameterImportance> parameter_importance(const StoreReader&, const ExperimentRow&, const Spec&, std::size_t objective,
                                                 ImportanceMethod, std::size_t pairs_among = 0);

/// What the trees of fANOVA expect where two parameters are given, and how sure they are.
struct ParameterSurface {
  struct Axis {
    std::string name;
    std::vector<Value> values;  ///< Of the cells, ascending; listed values as listed.
  };
  Axis x, y;
  std::vector<double> mean, spread;  ///< As the objective is reported. x.values.size() rows of y.values.size().
  std::size_t useful = 0;            ///< Complete trials that it was told from.
  bool few = false;
};

/// Told from complete trials at 24 values of each parameter that are equally far apart in the space, or at all values if
/// there are fewer. Without a name: the most important parameter that was not named. invalid: a name of no parameter that can
/// vary, or one twice; not_found: fewer than two complete trials or varying parameters. Time of one fANOVA, of two without
/// names.
Result<ParameterSurface> parameter_surface(const StoreReader&, const ExperimentRow&, const Spec&, std::size_t objective,
                                           const std::string& x, const std::string& y);

}  // namespace tune
