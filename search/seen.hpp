// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <unordered_set>

#include "tuner/facts.hpp"
#include "tuner/space.hpp"

namespace tune::detail {

/// What was proposed so far, by whomever (sampler, config points, people), so that a space that can be used up is used
/// up without a repetition. Kept only where that can happen: for spaces of at most `kMost` configurations, at 8 to 16
/// bytes each; on all others every question is answered "no" and costs nothing.
class Seen {
 public:
  static constexpr std::uint64_t kMost = 10'000'000;

  /// The space outlives this. Where constraints rule configurations out and there are at most `Lattice::kQuick` of
  /// them, those that remain are counted here; beyond, `exhausted()` cannot know them and stays false.
  explicit Seen(const Space&);

  void learn(const Record&);           ///< O(1).
  bool contains(const Params&) const;  ///< O(1) beyond the fingerprint.
  bool finite() const { return total_.has_value(); }
  bool exhausted() const { return left_ && proposed_.size() >= *left_; }

  /// One that was not proposed yet and holds the constraints, looked for from a place that `start` (any number) names;
  /// nullopt: none is left, or the space is not finite. O(cardinality) at worst, when nearly all are used up.
  std::optional<Params> unseen(std::uint64_t start) const;

 private:
  const Space& space_;
  std::optional<std::uint64_t> total_;  // Absent: not kept.
  std::optional<std::uint64_t> left_;   // At the beginning, constraints respected; absent: not known.
  std::unordered_set<std::uint64_t> proposed_;
};

/// How many points a sampler may try for one that holds the constraints and is new, before it gives up.
inline constexpr int kMostTries = 10'000;

}  // namespace tune::detail
