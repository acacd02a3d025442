// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "tuner/rng.hpp"
#include "tuner/space.hpp"

/// Which parameters matter, told from the trials that were made. Pure: the same trials give the same answer everywhere.
namespace tune {

/// One parameter over all trials.
struct Factor {
  std::string name;
  bool categorical = false;
  std::int64_t levels = 0;  ///< How many values there are; 0: any in the range.
  bool logarithmic = false;
  /// A trial each: the quantile of the prior in [0, 1], the number of the value if categorical; NaN where the parameter
  /// was not active.
  std::vector<double> at;
};

/// What is explained: the outcomes (smaller is better) and the parameters that led to them.
struct Evidence {
  std::vector<Factor> factors;   ///< Those that can vary.
  std::vector<double> outcomes;  ///< A trial each. +infinity: worse than all others. No NaN.
};

/// The parameters of `space` that can vary, for these trials. A trial with a value that is not of the space (it was
/// narrowed since) is left out, together with its outcome. O(n d log d).
Evidence evidence(const Space& space, std::span<const Params* const> params, std::span<const double> outcomes);

struct Importance {
  std::string name;
  double value = 0;   ///< From 0: nothing follows from this parameter.
  double spread = 0;  ///< Standard deviation of `value`: over bootstrap samples of the trials, over trees.
};

/// How much a parameter alone decides whether a trial is among the best tenth.
///
/// PED-ANOVA (Watanabe, Bansal, Hutter: "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary
/// Subspaces", IJCAI 2023, equation 9): the Pearson divergence between the density of a parameter among the best
/// trials and among all of them, both by kernels on a grid. A conditional parameter is judged where it is active
/// (condPED-ANOVA, theorem 4.2, arXiv 2601.20800): (gamma'/gamma)^2 sum_i alpha_i^2 / beta_i D_i. Only the order of
/// outcomes matters. In the order of the factors; O(n d) for each of 1 + `resamples` passes.
struct PedAnova {
  double target = 0.1;  ///< gamma': the share of trials that counts as best. Ties with the last of them count too.
  int cells = 50;       ///< Of the grid.
  int resamples = 0;    ///< Bootstrap samples that `spread` is taken from; 0: no spread.
  bool shares = false;  ///< Make values sum to 1, in bootstrap samples too.
};
std::vector<Importance> ped_anova(const Evidence&, const PedAnova& = {}, Rng = {0, 0});

/// The share of the outcome's variance over the whole space that a parameter explains alone.
///
/// fANOVA (Hutter, Hoos, Leyton-Brown: "An Efficient Approach for Assessing Hyperparameter Importance", ICML 2014,
/// algorithm 2): the marginals of each regression tree of a random forest are computed exactly from its leaves, under
/// the space's prior. Outcomes that are not finite are left out. A tree asks about a conditional parameter only where
/// every trial that it learns from has it: its parents are asked first and keep what is theirs.
/// Trees see a bootstrap sample each, 5/6 of the parameters at a split, and at most 64 bins of a parameter.
struct Fanova {
  int trees = 64;
  int least_to_split = 2;  ///< Trials in a node.
  int least_in_leaf = 1;
};
std::vector<Importance> fanova(const Evidence&, const Fanova& = {}, Rng = {0, 0});

/// The share of the variance that two parameters explain together, beyond what each of them explains alone.
struct Interaction {
  std::string a, b;
  double value = 0;
  double spread = 0;  ///< Standard deviation over trees.
};
/// For each two of the factors `among`, by fanova() with the same trees for the same stream. Time of another fanova(), and
/// 32 KiB a pair.
std::vector<Interaction> interactions(const Evidence&, std::span<const std::size_t> among, const Fanova& = {}, Rng = {0, 0});

/// What outcome to expect where two parameters are given and all others are drawn from the space: the mean over the trees'
/// marginals, and how far these are from one another.
struct Surface {
  std::vector<double> mean, spread;  ///< xs.size() rows of ys.size(). Empty: fewer than two outcomes are finite.
};
/// At `xs` of factor `x` and `ys` of another one, `y`: places as in Factor::at.
Surface surface(const Evidence&, std::size_t x, std::span<const double> xs, std::size_t y, std::span<const double> ys,
                const Fanova& = {}, Rng = {0, 0});

}  // namespace tune
