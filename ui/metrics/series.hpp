// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "tuner/tuner.hpp"

namespace tune {

/// The numbers that Prometheus is shown: one experiment, folded from its durable records into counters, gauges and
/// histograms. docs/prometheus.md lists the series.
///
/// Bounded: no series is named after a trial, a parameter or a worker, so a sweep of a million trials exports as many
/// lines as one of ten. Counters begin at zero with this process, as Prometheus expects; gauges tell the whole experiment.
/// Threads: Watcher's calls from the loop; text() from any thread at any time.
class Series final : public Watcher {
 public:
  explicit Series(const Spec& spec);  ///< Copies what it needs.
  ~Series() override;

  /// O(1); a few tens of nanoseconds for a report.
  void on_durable(const Record&, const History&) override;
  /// O(1), but for the first turn, which looks at every trial once.
  void on_turn(const Turn&, const History&) override;

  /// Everything in the text format of Prometheus, version 0.0.4.
  std::string text() const;

 private:
  struct State;  // Keeps prometheus-cpp out of this header.
  std::unique_ptr<State> state_;
};

}  // namespace tune
