// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "tuner/ids.hpp"

namespace tune {

/// A trial's curve as it is drawn: thinned, in order of step.
struct DrawnCurve {
  std::vector<double> step, at, low, high;  ///< low == high, but for an envelope.
};

/// Curves that were drawn before. Most trials are over and their curves never change again. Any thread.
class CurveCache {
 public:
  /// The curve named `how` (experiment, metric, points, mode) of a trial as a record `touched` left it; null: not drawn yet.
  std::shared_ptr<const DrawnCurve> find(const std::string& how, TrialId, Seq touched) const;
  void keep(const std::string& how, TrialId, Seq touched, std::shared_ptr<const DrawnCurve>);
  void clear();

 private:
  static constexpr std::size_t kMost = 4'000'000;  // Points, of 32 bytes; then all are forgotten.
  mutable std::mutex mutex_;
  std::size_t points_ = 0;
  std::map<std::pair<std::string, TrialId>, std::pair<Seq, std::shared_ptr<const DrawnCurve>>> curves_;
};

}  // namespace tune
