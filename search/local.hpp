// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <Eigen/Core>
#include <map>

#include "search/arm.hpp"

namespace tune {

/// Local search: a quadratic model of the objective in a region around the best trial (search/quadratic.hpp), whose least
/// value is tried next; the region grows where the model foretells well and shrinks where it does not (a trust region:
/// Conn, Gould and Toint, "Trust-region methods", 2000, chapter 6). Converges where the Gaussian process stops short, and
/// crosses ripples by smoothing them.
///
/// It moves the numeric parameters that are active in the best trial and leaves the others as they are there. Failed trials
/// and those that break outcome constraints stand in the model with the worst value seen, so that it bends away from them;
/// trials that a scheduler ended early are left out. One objective, the first. While somebody is trying the model's minimiser,
/// the minimisers of draws from its posterior are tried, so that workers have different ideas of the same valley; they do
/// not judge the region.
///
/// In conditional spaces a branch (the trials that have the same parameters) has a region of its own, and the step is made
/// where a branch promises most: see centre_of().
///
/// What it must remember (the region, how often it failed in a row, what each step promised) is folded from its own
/// proposals' notes and their outcomes. suggest: O(n d) and, for K = min(130, max(40, (m+1)(m+2)/2 + m + 10)) trials around
/// the best and m numeric axes, up to 28 factorisations of K³/3 every fourth time, 3 otherwise. learn: O(log n).
class LocalArm final : public Arm {
 public:
  explicit LocalArm(const Axes& axes) : axes_(axes) {}
  void learn(const Record&, const Trials&) override;
  /// nullopt if fewer than min(m + 1, 4) trials share the best one's categories, all values are equal, or nothing is numeric.
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;
  bool quick() const override { return false; }

  /// Steps in a row that did not improve as foretold, in the branch that is next.
  int fails(const Trials&) const;

 private:
  /// A step under way.
  struct Step {
    double value;   // Of the centre when it was made.
    double delta;   // Of the region, then.
    double length;  // In regions.
    double gain;    // Foretold; 0: a step only to learn from.
    int noise;
    bool drawn;     // From the posterior, since the minimiser was under way.
    std::string branch;
  };
  /// What it remembers of a branch: trials that have the same parameters.
  struct Progress {
    double delta = 0.5;
    int fails = 0;
    std::optional<TrialId> centre;  // Of the newest step.
    int family = -1, noise = 0, steps = 0;
  };
  struct Region {
    double delta;
    int fails;
  };
  struct View;  // What is known around the centre.

  const Progress& progress(const Point&) const;
  Region region(const Trials&, const Observed& centre) const;
  std::optional<View> look(const Trials&, double& delta) const;
  bool under_way(const Trials&, const View&, const Eigen::VectorXd& z, double delta) const;
  void finish(const Step&, const Observed&);
  double distance(const Point&, const Point&) const;

  const Axes& axes_;
  std::map<std::string, Progress> branches_;  // By the axes that are active; one where none is conditional.
  std::map<TrialId, Step> pending_;
};

SamplerEntry local_sampler();

}  // namespace tune
