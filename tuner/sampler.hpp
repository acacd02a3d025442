// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/registry.hpp"
#include "tuner/result.hpp"
#include "tuner/rng.hpp"
#include "tuner/space.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// Proposes parameters for new trials.
///
/// learn() is the only mutator and is called with every record of the experiment in order (in logical order where that is
/// asked for). propose() is a pure function of what was learned and of the random stream: it may run on another thread,
/// during which nobody calls anything else on this object. A sampler therefore never looks at the History, which goes on
/// changing; it keeps the indexes it needs itself. Memory that must survive a restart comes back through learn(): put it
/// into the proposal's note.
class Sampler {
 public:
  struct Proposal {
    Params params;    ///< Complete, of the space, constraints held.
    std::string why;  ///< One sentence for people.
    Note note;        ///< JSON object or empty.
    /// How likely, by the sampler's model, a new trial still improves on the best by more than
    /// SamplerContext::min_improvement. Absent: it has no model, or too little to say.
    std::optional<double> chance = {};
  };

  virtual ~Sampler() = default;
  /// O(1) or O(log n) for kinds it does not care about.
  virtual void learn(const Record&) = 0;
  /// nullopt: nothing can be proposed until more is learned.
  virtual std::optional<Proposal> propose(TrialId, Rng) const = 0;
  /// Nothing will ever be proposed again: the space is used up. O(1).
  virtual bool exhausted() const { return false; }
  /// False: worth a thread of its own. Quick ones cost less than a journal record.
  virtual bool quick() const { return true; }
};

struct SamplerContext {
  const Space& space;  ///< Outlives the sampler.
  std::vector<Objective> objectives;
  std::uint64_t seed = 0;
  Params options;      ///< Checked against the entry's options, defaults filled in.
  std::vector<OutcomeConstraint> outcome_constraints = {};
  std::optional<std::int64_t> trials = {};  ///< How many there will be, if that is settled.
  double min_improvement = 0;               ///< What counts as one, in units of the first objective.
  std::optional<int> parallel = {};         ///< At most so many trials at once, if that is settled.
};

struct SamplerEntry {
  PolicyInfo info;
  Result<std::unique_ptr<Sampler>> (*make)(const SamplerContext&);
};

}  // namespace tune
