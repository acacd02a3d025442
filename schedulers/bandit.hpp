// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <vector>

namespace tune::detail {

/// What happened once: at this time, at this point (all coordinates in [0, 1] or near), the reward changed by so much.
struct Tried {
  double time = 0;
  std::vector<double> point;
  double gain = 0;
};

/// A Gaussian process over points and time whose memory fades (Parker-Holder et al., NeurIPS 2020, equation 6; Bogunovic et al.,
/// AISTATS 2016): k = exp(-|z - z'|^2 / (2 l^2)) (1 - e)^(|t - t'| / 2), time counted in units of `interval`. l, e and the noise are
/// those of a grid under which the gains are most likely; the scale is the most likely one given them. Same outcomes, same
/// answers. Making one: 48 factorisations of n x n. An answer: O(n^2).
class FadingBandit {
 public:
  /// At least two outcomes. `pending`: points that are being tried; they narrow the uncertainty, not the mean (algorithm 2).
  FadingBandit(const std::vector<Tried>& outcomes, const std::vector<Tried>& pending, double interval);
  ~FadingBandit();

  /// Mean + sqrt(b) sd in standardised gains, b = 0.2 + max(0, ln(0.4 n)).
  double upper_bound(double time, const std::vector<double>& point) const;

 private:
  struct Fit;
  std::unique_ptr<Fit> fit_;
};

}  // namespace tune::detail
