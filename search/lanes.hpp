// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <bit>
#include <cstdint>
#include <cstring>

namespace tune::detail {

/// Four floats that are computed on at once: a vector extension that GCC and clang translate for every processor, so that
/// results do not depend on what an optimiser makes of a loop. The functions are those of single-precision Cephes (Moshier)
/// and Numerical Recipes; relative errors are below 3e-7 unless said.
using Lanes = float __attribute__((vector_size(16)));
using LaneInts = std::int32_t __attribute__((vector_size(16)));
inline constexpr std::size_t kLanes = 4;

inline Lanes load(const float* p) {
  Lanes v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
inline void store(float* p, Lanes v) { std::memcpy(p, &v, sizeof v); }
inline Lanes all(float x) { return Lanes{x, x, x, x}; }
inline Lanes larger(Lanes a, Lanes b) { return a > b ? a : b; }
inline Lanes smaller(Lanes a, Lanes b) { return a < b ? a : b; }
inline float sum(Lanes v) { return (v[0] + v[1]) + (v[2] + v[3]); }
inline float largest(Lanes v) {
  const float a = v[0] > v[1] ? v[0] : v[1], b = v[2] > v[3] ? v[2] : v[3];
  return a > b ? a : b;
}

/// e^x for x <= 88; 1.6e-38 for anything below -87.
inline Lanes exp(Lanes x) {
  x = larger(x, all(-87.0f));
  const Lanes shift = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer.
  const Lanes n = (x * 1.44269504f + shift) - shift;
  x = x - n * 0.693359375f + n * 2.12194440e-4f;  // ln 2 in two parts.
  const Lanes p = ((((1.9875691500e-4f * x + 1.3981999507e-3f) * x + 8.3334519073e-3f) * x + 4.1665795894e-2f) * x +
                   1.6666665459e-1f) * x + 5.0000001201e-1f;
  const LaneInts scale = (__builtin_convertvector(n, LaneInts) + 127) << 23;
  return (p * x * x + x + 1.0f) * std::bit_cast<Lanes>(scale);
}

/// ln x for positive normal x.
inline Lanes log(Lanes x) {
  const LaneInts bits = std::bit_cast<LaneInts>(x);
  const LaneInts half = (bits & 0x007fffff) | 0x3f000000;  // The mantissa in [0.5, 1).
  Lanes m = std::bit_cast<Lanes>(half);
  Lanes e = __builtin_convertvector((bits >> 23) - 126, Lanes);
  const auto low = m < 0.707106781f;
  e = low ? e - 1.0f : e;
  m = (low ? m + m : m) - 1.0f;
  const Lanes z = m * m;
  const Lanes p = ((((((((7.0376836292e-2f * m - 1.1514610310e-1f) * m + 1.1676998740e-1f) * m - 1.2420140846e-1f) * m +
                       1.4249322787e-1f) * m - 1.6668057665e-1f) * m + 2.0000714765e-1f) * m - 2.4999993993e-1f) * m +
                   3.3333331174e-1f);
  return m + (m * z * p - e * 2.12194440e-4f - 0.5f * z) + e * 0.693359375f;
}

/// For x >= 0, erfc(x) = t e^(p - x^2) (Numerical Recipes, erfcc): smooth however far in the tail.
struct Tail {
  Lanes t, p;
  explicit Tail(Lanes x) : t(1.0f / (1.0f + 0.5f * x)) {
    p = -1.26551223f +
        t * (1.00002368f +
             t * (0.37409196f +
                  t * (0.09678418f +
                       t * (-0.18628806f +
                            t * (0.27886807f + t * (-1.13520398f + t * (1.48851587f + t * (-0.82215223f + t * 0.17087277f))))))));
  }
};

/// erfc(x) for x >= 0; relative error below 1e-6.
inline Lanes erfc(Lanes x) {
  const Tail tail{x};
  return tail.t * exp(tail.p - x * x);
}

/// ln erfc(x) for x >= 0.
inline Lanes log_erfc(Lanes x) {
  const Tail tail{x};
  return log(tail.t) + (tail.p - x * x);
}

/// ln of the mass of the standard normal distribution on [a, b], a < b, stable in both tails.
inline Lanes log_normal_mass(Lanes a, Lanes b) {
  // Mirrored so that the interval's middle is not below 0; then only its lower end may be negative.
  const auto left = a + b < 0.0f;
  const Lanes low = (left ? -b : a) * 0.707106781f, high = (left ? -a : b) * 0.707106781f;
  const auto straddles = low < 0.0f;
  const Lanes from = straddles ? -low : low;
  const Lanes near = log_erfc(from), far = log_erfc(high);
  // In the tail: ln (erfc(low) - erfc(high)) with the larger term taken out. Across 0: both tails are cut off 2.
  const Lanes ratio = exp(far - near);
  const Lanes tail = near + log(larger(1.0f - ratio, all(1e-30f)));
  const Lanes middle = log(larger(2.0f - exp(near) - exp(far), all(1e-30f)));
  return (straddles ? middle : tail) - 0.693147181f;
}

}  // namespace tune::detail
