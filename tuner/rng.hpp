// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>

namespace tune {

/// What random numbers are drawn for. Part of the stream's name, so that two purposes never share numbers.
enum class Purpose : std::uint64_t {
  propose = 1, seed = 2, bracket = 3, scramble = 4, simulate = 5, fault = 6, donor = 7, explore = 8, instance = 9, curve = 10
};

/// A random stream fixed by (seed, stream): a counter passed through the SplitMix64 finaliser (Steele, Lea, Flood,
/// "Fast splittable pseudorandom number generators", OOPSLA 2014). It has no state beyond the counter, is cheap to make
/// (one per decision) and gives the same numbers on every platform. Never seeded from a journal's seq: arrival order
/// must not change what is drawn.
class Rng {
 public:
  Rng(std::uint64_t seed, std::uint64_t stream) : state_(mix(seed ^ mix(stream ^ 0x6a09e667f3bcc909ull))) {}
  Rng(std::uint64_t seed, Purpose purpose, std::int64_t trial, std::int64_t step = 0)
      : Rng(seed, mix(static_cast<std::uint64_t>(purpose) << 56 ^ mix(static_cast<std::uint64_t>(trial)) ^
                      mix(mix(static_cast<std::uint64_t>(step) + 1)))) {}

  std::uint64_t next() { return mix(state_ += 0x9e3779b97f4a7c15ull); }
  /// In [0, 1), 53 bits.
  double uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }
  /// In [0, n), n > 0. The bias of the multiply-shift is below n / 2^64.
  std::uint64_t below(std::uint64_t n) {
    __extension__ using Wide = unsigned __int128;
    return static_cast<std::uint64_t>((static_cast<Wide>(next()) * n) >> 64);
  }
  /// Standard normal by the inverse of its distribution function: one draw, same result everywhere.
  double normal();

 private:
  static std::uint64_t mix(std::uint64_t z) {
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
    return z ^ (z >> 31);
  }
  std::uint64_t state_;
};

/// Quantile of the standard normal distribution, p in (0, 1); relative error below 1e-15 after one Halley step on
/// Acklam's rational approximation. p outside the open interval gives the infinities.
double normal_quantile(double p);

}  // namespace tune
