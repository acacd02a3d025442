// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "executors/recorded_problem.hpp"
#include "tuner/facts.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What an experiment measured, folded from its journal: how long trials took between reports, what they reported, how
/// they ended. Keeps every report's objectives. One thread.
class Measurements {
 public:
  struct Measured {
    Params params;
    std::vector<std::int64_t> steps;  ///< That were new when they were reported.
    std::vector<double> until;        ///< By report: seconds spent in attempts since the beginning, pauses left out.
    std::vector<std::vector<double>> values;
    int attempt = 0;
    bool live = false;                  ///< An attempt has started and not ended.
    double launched = 0, seen = 0;      ///< Of the newest attempt: when it was launched; when it last reported, or started.
    std::int64_t attempt_reports = 0;   ///< Of the newest attempt.
    double spent = 0;                   ///< Seconds of attempts, up to the last sign of life.
    int attempts = 0, failures = 0;     ///< Attempts that ended; of these, those that failed.
    double after_last = 0;              ///< From the last report to the end of an attempt that ended by itself.
    std::optional<TrialState> settled;
  };

  /// Of the objectives and of what outcome_constraints bound. `spec` is not kept.
  explicit Measurements(const Spec& spec);
  void learn(const Record&);

  const std::vector<std::string>& metrics() const { return metrics_; }
  const std::deque<Measured>& trials() const { return trials_; }
  std::int64_t ended() const { return ended_; }  ///< Trials that are settled.

  /// As trials of this space, matched by name. Trials that ended before they told anything, and did not fail, are left out.
  Recording recording(const Space& into) const;

 private:
  Measured* find(TrialId);
  std::vector<std::string> metrics_;
  std::deque<Measured> trials_;
  std::int64_t ended_ = 0;
};

}  // namespace tune
