// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "search/guard.hpp"
#include "search/note.hpp"
#include "search/seen.hpp"
#include "search/start.hpp"
#include "search/trials.hpp"
#include "tuner/sampler.hpp"

namespace tune {

/// What an arm would try next.
struct Suggestion {
  Point point;       ///< Anywhere: it is snapped to the space by whoever asked.
  std::string why;   ///< One sentence for people.
  std::string note;  ///< Members of a JSON object without its braces: `"delta":0.5,"gain":0.01`; may be empty.
  std::optional<double> chance;  ///< Sampler::Proposal::chance.
};

/// A way to search that learns from trials: a model and what it does with it. It has the trials in common with others
/// (search/auto.hpp), so it does not keep them. What Sampler promises holds here: learn() alone changes it; suggest() is a
/// pure function of what was learned and of the random stream, and answers the same after a restart. State that cannot be
/// had from the trials travels in the suggestion's note and comes back with the Propose that learn() sees.
class Arm {
 public:
  virtual ~Arm() = default;
  /// Every record, after `trials` has learned it. An arm's own proposals are known by detail::own_note().
  virtual void learn(const Record&, const Trials& /*trials*/) {}
  /// nullopt: it has nothing to say (too little is known, or its region is used up).
  virtual std::optional<Suggestion> suggest(const Trials& trials, TrialId, Rng) const = 0;
  virtual bool quick() const { return true; }
};

/// What surrounds an arm.
struct ArmSettings {
  std::string name;        ///< Of the arm, in notes.
  int starts = 10;         ///< Trials before the arm is asked; points of the config and people's count.
  bool centre = true;      ///< The first of them is the middle of the space.
  bool independent = false;  ///< They are drawn at random, instead of from a Sobol sequence.
  bool guard = true;       ///< Equal results push proposals apart (detail::TieGuard).
  bool repeats = false;    ///< A configuration may come again.
};

/// The sampler that asks one arm. It draws the initial design (from what a person expects, where the config says that, and
/// then also one trial in 1 + n/10 after n), brings suggestions to configurations that exist, hold the
/// constraints and were not tried before, and knows when a finite space is used up. propose: that of the arm and O(d log d).
class ArmSampler final : public Sampler {
 public:
  ArmSampler(const SamplerContext&, ArmSettings, std::unique_ptr<Arm> (*make)(const Axes&, const SamplerContext&));
  void learn(const Record&) override;
  /// nullopt if the space is used up, or 10,000 points in a row break its constraints.
  std::optional<Proposal> propose(TrialId, Rng) const override;
  bool exhausted() const override { return seen_.exhausted(); }
  bool quick() const override { return arm_->quick(); }

 private:
  Suggestion first(TrialId, Rng&) const;
  Suggestion expected(Rng&) const;
  bool begins() const;
  bool fits(const Point&) const;
  /// Moves the point until it fits; what had to be done to it: empty, "repeat" or "constraint". False: none was found.
  bool settle(Point&, std::string& moved, Rng&) const;
  std::optional<Proposal> last(Rng&) const;

  Axes axes_;
  Trials trials_;
  detail::Seen seen_;
  detail::Start start_;
  detail::TieGuard guard_;
  ArmSettings settings_;
  std::unique_ptr<Arm> arm_;
};

}  // namespace tune
