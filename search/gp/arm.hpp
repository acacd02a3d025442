// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/arm.hpp"
#include "search/gp/acquisition.hpp"
#include "search/gp/acquisition_search.hpp"
#include "search/gp/target.hpp"

namespace tune {

struct GpSettings {
  bool trend = true;              ///< A quadratic trend beside the Matern kernel.
  bool raw = true, ranked = true; ///< Which output warps may be chosen; at least one.
  int draws = 8;                  ///< Of the results of pending trials, for several objectives.
  double refit = 0.1;             ///< Hyperparameters are fitted anew when this share more trials are known.
  int fit_iterations = 12;        ///< From the last fit; twice as many from nothing.
  detail::SearchEffort effort;
  std::size_t most = 500;         ///< Points a model holds: beyond a hundred more, a part is chosen.
  std::size_t most_ranked = 150;  ///< The same where most trials were ended early: their ranks are worth less than values.
  double min_improvement = 0;     ///< SamplerContext::min_improvement.
  std::optional<std::int64_t> budget = {};  ///< How many trials there will be: how long a person's prior counts.
  bool cost_aware = false;        ///< What a trial is expected to cost counts, the less the more of the budget is used.
};

/// Searches with Gaussian processes: one for the objective, one for each further objective and each outcome constraint and
/// one for whether a trial succeeds at all. Proposes where the expected improvement (of the best value, or of the dominated
/// hypervolume) times the probability that everything holds (to a power that grows with recent failures) is largest. Pending
/// trials count with the results that the model expects; with several objectives in `draws` ways. Until something feasible
/// is known, only the probabilities count.
///
/// Aware of cost, a further process models the logarithm of what complete trials cost, and the logarithm of the improvement is
/// lessened by gamma times its mean: improvement per cost at first, improvement alone at last. gamma falls from 1 to 0 with the
/// budget ("CArBO": Lee, Perrone, Archambeau and Seeger, "Cost-aware Bayesian optimization", 2020).
///
/// Its note holds the hyperparameters when they were fitted anew: {"fit": n, "warp": 0 or 1, "f0": [...], ...}; between
/// fits it grows the Cholesky factors by a row per trial. suggest: O(n^2 (raw + descents)), and O(n^3) times the iterations
/// of a fit when n has grown by a tenth; n is bounded by `most`.
class GpArm final : public Arm {
 public:
  explicit GpArm(const Axes& axes, GpSettings settings = {});
  ~GpArm() override;
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;
  bool quick() const override { return false; }

 private:
  /// One thing that is modelled: which trials tell of it, and what.
  struct Aspect {
    std::string name;                 ///< Of its hyperparameters in the note.
    std::vector<std::size_t> trials;  ///< Indices into Trials::all(), ascending.
    Eigen::VectorXd values;           ///< Smaller is better.
  };
  using Hyperparameters = std::map<std::string, Eigen::VectorXd, std::less<>>;
  /// What the notes say.
  struct Fitted {
    double known = 0;          ///< How many finished trials there were then.
    bool ranked = false;       ///< The warp that predicted the objective better.
    Hyperparameters theta;     ///< By aspect; the objective's also under "r0" for the half-rank warp.
  };
  struct Factor;
  struct Model;

  std::vector<Aspect> aspects(const Trials&) const;
  double gamma(const Trials&) const;
  Aspect bounded(Aspect, const Trials&) const;
  bool due(const std::vector<Aspect>&, const Trials&) const;
  Fitted refit(const std::vector<Aspect>&, const Trials&) const;
  Model model(const Aspect&, const Fitted&, const Trials&) const;
  const detail::Regression& grown(const std::string& name, const Eigen::VectorXd& theta, const std::vector<std::size_t>& rows,
                                  const Trials&) const;

  detail::Kernel kernel_;
  GpSettings settings_;
  Fitted fitted_;
  // Only what appending rows one by one gives, no matter who did it when: asking changes no answer.
  mutable std::map<std::string, Factor, std::less<>> factors_;
};

/// The option `cost_aware`, for every search that asks a GpArm, and why it cannot be had: its gamma needs a budget.
Option cost_option();
std::optional<Error> no_budget_for_cost(const SamplerContext&);

SamplerEntry gp_sampler();

}  // namespace tune
