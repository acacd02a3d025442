// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <vector>

#include "search/seen.hpp"
#include "tuner/sampler.hpp"

namespace tune {

/// Points of a Sobol sequence, so that any number of trials covers the space more evenly than independent draws do: of
/// the first 2^k points each of 2^k equal slices of any one parameter holds one. The sequence is scrambled by nested
/// uniform permutations that depend on the seed (Owen, "Randomly permuted (t,m,s)-nets", 1995), done by hashing
/// (Burley, "Practical hash-based Owen scrambling", JCGT 9(4), 2020, after Laine and Karras). The first 256 dimensions
/// are Sobol's, with the direction numbers of Joe and Kuo (2008); those beyond are independent hashes, no worse than
/// random search.
///
/// A point that breaks a constraint or repeats a configuration of a finite space is passed over. Where the sequence
/// stands travels in the note. propose: O(d log d) a point; learn: O(1).
class SobolSampler final : public Sampler {
 public:
  SobolSampler(const Space& space, std::uint64_t seed);
  void learn(const Record&) override;
  /// nullopt if none of 10,000 points holds the constraints, or the space is used up.
  std::optional<Proposal> propose(TrialId, Rng) const override;
  bool exhausted() const override { return seen_.exhausted(); }

 private:
  const Space& space_;
  detail::Seen seen_;
  std::vector<std::array<std::uint32_t, 32>> directions_;  // By dimension.
  std::vector<std::uint32_t> seeds_;                       // By dimension.
  std::uint32_t next_ = 0;
};

SamplerEntry sobol_sampler();

namespace detail {

inline constexpr std::size_t kSobolDimensions = 256;
/// Column i is what bit i of the index (the lowest first) adds; dimension counts from 0.
std::array<std::uint32_t, 32> sobol_directions(std::size_t dimension);
/// A random permutation of the 2^32 points of [0, 1) that maps equal leading bits to equal leading bits.
std::uint32_t owen_scramble(std::uint32_t x, std::uint32_t seed);
/// Coordinate of point `number` (from 0) along the dimension of these directions, scrambled; in (0, 1).
double sobol_coordinate(const std::array<std::uint32_t, 32>& directions, std::uint32_t seed, std::uint32_t number);

}  // namespace detail
}  // namespace tune
