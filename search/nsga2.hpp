// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

#include "search/arm.hpp"
#include "search/individual.hpp"
#include "search/pareto.hpp"

namespace tune {
namespace detail {

/// Which of the least good ones a full population gives up, and which of equals are better parents.
class Survival {
 public:
  virtual ~Survival() = default;
  /// A place in `last`, the worst front of `outcomes`; the others are in `before`. No row of `last` is infinite.
  virtual std::size_t leaves(const Outcomes&, const std::vector<std::size_t>& before,
                             const std::vector<std::size_t>& last) const = 0;
  /// By row; the larger the better within a front.
  virtual std::vector<double> preferences(const Outcomes&, const std::vector<std::vector<std::size_t>>& fronts) const = 0;
};

/// A genetic algorithm for several objectives, one child at a time: a trial that finishes joins the population, and the
/// least good one leaves. Steady state suits workers that finish one by one, none waits for a generation; Durillo, Nebro,
/// Luna and Alba ("On the effect of the steady-state selection scheme in multi-objective genetic algorithms", EMO 2009)
/// found it better than generations, too. Trials from anywhere join: those of the initial design, people's, imported ones.
/// learn: O(m p log p) for a finished trial of m objectives and a population of p; suggest: O(d).
class NsgaArm final : public Arm {
 public:
  struct Settings {
    std::size_t population = 20;
    double crossover = 0.9;  ///< How likely a child has two parents.
    std::optional<double> mutation;  ///< How likely each coordinate changes; absent: 1/d.
  };
  NsgaArm(const Axes& axes, std::string name, Settings settings, std::unique_ptr<Survival> survival)
      : axes_(axes), name_(std::move(name)), settings_(settings), survival_(std::move(survival)) {}
  void learn(const Record&, const Trials&) override;
  std::optional<Suggestion> suggest(const Trials&, TrialId, Rng) const override;

 private:
  void remove(TrialId);
  void settle(const Trials&);
  std::size_t tournament(Rng&) const;

  const Axes& axes_;
  std::string name_;
  Settings settings_;
  std::unique_ptr<Survival> survival_;
  Arrivals arrivals_;
  std::vector<Individual> population_;
  std::vector<std::size_t> ranks_;   // By place in the population,
  std::vector<double> preferences_;  // and so are these.
  std::size_t arrived_ = 0;
};

/// Options that all NSGA samplers share, and what they mean in an experiment.
std::vector<Option> nsga_options();
NsgaArm::Settings nsga_settings(const SamplerContext&);

}  // namespace detail

/// NSGA-II (Deb, Pratap, Agarwal and Meyarivan, "A fast and elitist multiobjective genetic algorithm: NSGA-II", IEEE TEC
/// 6(2), 2002), in steady state.
SamplerEntry nsga2_sampler();

}  // namespace tune
