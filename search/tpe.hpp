// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "search/arm.hpp"
#include "search/columns.hpp"
#include "search/parzen.hpp"
#include "search/ranking.hpp"

namespace tune {

struct TpeSettings {
  /// As Optuna 5.0.0 does by default, for comparison, instead of what we found better. See docs/samplers/tpe.md.
  bool optuna5 = false;
  int starts = 10;      ///< Trials that must have told something first (optuna5 only; ArmSampler counts otherwise).
  int candidates = 24;  ///< Drawn from the density of the good trials; the one most unlike the others is taken.
  std::optional<std::int64_t> budget = {};  ///< How many trials there will be: how long a person's prior counts.
};

/// The tree-structured Parzen estimator. The best tenth of the trials (at most 25) gives one density, all others, those
/// under way among them, give a second; of some points drawn from the first the one with the largest ratio is suggested
/// (Bergstra et al., NIPS 2011). Ours is joint over all axes, weighs the good trials by how much better they are than the
/// best of the others (Watanabe, "Tree-Structured Parzen Estimator: Understanding Its Algorithm Components", 2023), and
/// lets the narrowest kernel cycle over a few widths, one a trial, between looking far and looking close.
///
/// With several objectives the good trials are those of the first non-dominated fronts, the last front cut by hypervolume
/// (Ozaki et al., "Multiobjective Tree-Structured Parzen Estimator", JAIR 2022; weights are equal).
///
/// n trials, d axes. learn: microseconds. suggest: O(d) kernels of at most 25 + 384 trials times `candidates`: flat in n.
class TpeArm final : public Arm {
 public:
  TpeArm(const Axes&, std::size_t objectives, TpeSettings);
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;

 private:
  struct Split {
    std::vector<std::uint32_t> below;      // Trials, best first.
    std::vector<double> weights;           // Of these.
    std::vector<std::uint32_t> above;      // Numbers rising.
    std::size_t of = 0;                    // Finished trials.
  };
  /// nullopt: no trial is good.
  std::optional<Split> split(const Trials&, Rng&) const;
  /// The `count` best, best first; with several objectives in no order.
  std::vector<std::uint32_t> best(const Trials&, std::size_t count) const;
  std::vector<std::uint32_t> best_fronts(const Trials&, const std::vector<std::uint32_t>& of, std::size_t count) const;
  std::vector<double> improvements(const Trials&, const std::vector<std::uint32_t>& below) const;
  bool above(const Observed&) const;

  /// Axes that one estimator is over.
  struct Group {
    std::vector<std::size_t> axes;
    std::vector<detail::ParzenAxis> shapes;
  };
  void add_group(const Axes&, std::vector<std::size_t> axes);
  detail::ParzenPoints points(const Group&, std::vector<std::uint32_t> trials, std::vector<double> weights) const;
  detail::Parzen good(const Group&, const Split&, detail::NarrowestKernel) const;
  detail::Parzen rest(const Group&, const Split&, detail::NarrowestKernel) const;
  /// Draws candidates, sets the group's coordinates of `point` to the best's and returns ln of its ratio.
  double choose(const Group&, const Split&, detail::NarrowestKernel, const Trials&, Point& point, Rng&) const;

  TpeSettings settings_;
  std::vector<Group> groups_;
  detail::Columns columns_;
  detail::Ranking ranking_;
};

SamplerEntry tpe_sampler();

}  // namespace tune
