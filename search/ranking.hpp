// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <vector>

#include "search/trials.hpp"

namespace tune::detail {

/// Finished trials, best first by the first objective, kept in order as records come in: those that ran to their end by
/// value; then those that were paused or stopped, who got further first; then those that violate outcome constraints, by
/// how much; then those that have nothing to show: failed, infeasible, without a number. n trials.
///
/// How far a partial trial got and with which value is what its last rung says, for there all were compared at the same
/// step; without rungs it is its last report. A trial that goes on from a rung stands where it was judged.
class Ranking {
 public:
  enum class Group : std::uint8_t { complete, partial, unreported, violating, failed };
  enum class Ties : std::uint8_t {
    newest_first,  ///< So that a plateau is left behind.
    oldest_first
  };

  explicit Ranking(Ties ties, bool use_rungs = true) : ties_(ties), use_rungs_(use_rungs) {}

  /// After `trials` has learned it. O(log n) comparisons and a move of memory; O(1) for what changes no outcome.
  void learn(const Record&, const Trials& trials);

  /// Indices into Trials::all().
  const std::vector<std::uint32_t>& order() const { return order_; }
  Group group(std::uint32_t trial) const { return places_[trial].group; }
  /// How many stand before the group `g`.
  std::size_t before(Group g) const;

 private:
  struct Place {
    bool filed = false;
    Group group = Group::failed;
    std::int64_t step = 0;
    double value = 0;
  };
  bool is_told(const Observed&) const;
  Place place_of(const Observed&) const;
  bool less(std::uint32_t a, std::uint32_t b) const;
  void file(std::uint32_t trial, const Observed&);

  Ties ties_;
  bool use_rungs_;
  std::vector<Place> places_;  // By trial.
  std::vector<std::uint32_t> order_;
};

}  // namespace tune::detail
