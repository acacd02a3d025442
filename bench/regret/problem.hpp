// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/space.hpp"

/// What samplers are measured on, and by what. Everything is turned into minimisation.
namespace tune::regret {

/// A task for a sampler. Its functions are pure and may be called by any number of threads.
struct Problem {
  std::string set;   ///< tuning, conditional, confirm, failing, tables, networks
  std::string name;  ///< "zakharov-10", "fcnet/protein_structure"
  Space space;
  /// Smaller is better; nullopt: the trial fails.
  std::function<std::optional<double>(const Params&)> evaluate;
  /// What is evaluated in a proposal's place: the nearest row of a table. The tool is told the value at what it proposed, as
  /// by a program that rounds what it is given. Absent: the proposal itself.
  std::function<Params(const Params&)> nearest;
  std::optional<double> optimum;  ///< Absent: not known; the best of all that was ever seen stands for it.
  std::optional<double> median;   ///< Of all there is to find, where that is known.
  double floor_share = 1e-6;      ///< Regrets below this share of `Reference::early` count as it in ratios.
};

/// What random draws find: the yardstick of a problem's regrets.
struct Reference {
  double best = 0, median = 0, worst = 0;  ///< Of 1,000 draws (the median is the problem's own where it knows it).
  double early = 0;                        ///< Median over 20 repetitions of the best of 50 draws.
};
/// 1,000 evaluations, always the same.
Reference measure_reference(const Problem&);

/// The synthetic sets: tuning, conditional, confirm, failing. Deterministic; other sets give nothing.
std::vector<Problem> synthetic(std::string_view set);

}  // namespace tune::regret
