// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "executors/problem.hpp"

namespace tune {

/// How one trial went when it was run in earnest.
struct RecordedTrial {
  std::vector<double> unit;                 ///< By dimension of the space: its position; NaN: inactive, or not recorded.
  std::vector<std::int64_t> steps;          ///< Of its reports, ascending.
  std::vector<double> until;                ///< By report: seconds since its beginning; empty: not recorded.
  std::vector<std::vector<double>> values;  ///< By report, one a metric; NaN: not measured.
  double ended = 0;                         ///< Seconds from its beginning to its end; matters for one that failed.
  /// by_itself: its last report was its end. cut: somebody ended it, or it still runs. failed: it failed after the last one.
  enum class End : std::uint8_t { by_itself, cut, failed } end = End::by_itself;
};

/// What was measured: a table, or an experiment as its store remembers it.
struct Recording {
  std::vector<std::string> metrics;
  std::vector<RecordedTrial> trials;   ///< At least one.
  std::vector<std::string> unmatched;  ///< Parameters that either the space or the recording lacks: they make no difference.
  std::int64_t outside = 0;            ///< Trials that were left out because they lie outside the space.
  bool unordered = false;              ///< Steps are instances as the config lists them; a simulation draws their order.

  /// How the value of a metric and the time go on between two steps, on average over the trials that took both.
  class Trend;
};

/// How trials go on from one recorded step to the next, averaged over those that did: what a trial that was cut short
/// would have done, for want of better. O(log steps) a question.
class Recording::Trend {
 public:
  explicit Trend(const Recording&);
  /// The first recorded step after this one; the next whole one where nothing was recorded further on.
  std::int64_t next(std::int64_t step) const;
  /// The step that next() would come from: the last recorded one before this one, 0 if there is none.
  std::int64_t before(std::int64_t step) const;
  /// By how much the metric changes between two steps. 0 beyond what was recorded.
  double change(std::size_t metric, std::int64_t from, std::int64_t to) const;
  /// Time in which an average trial comes to a step, in units of its mean time a step: the ratios of summed times between
  /// consecutive steps, multiplied up (chain ladder). The step itself where no times were recorded; evenly between and beyond.
  double progress(std::int64_t step) const;
  /// The last step of the longest trial.
  std::int64_t last() const { return steps_.back(); }

 private:
  std::size_t index(std::int64_t step) const;
  std::vector<std::int64_t> steps_;           // All that occur, ascending; at least one.
  void learn_progress(const Recording&);
  std::vector<double> progress_;              // By step.
  std::vector<std::vector<double>> changed_;  // By step and metric: since the first step, cumulated.
};

/// A recording as a problem: a trial becomes the recorded one that is nearest in the unit cube (numeric parameters by their
/// distance squared; other choices, and active against inactive, count 1). Among several that are equally near, repeats of
/// one configuration say, each trial draws one by `seed`. It reports at the recorded steps and takes the recorded times. One
/// that was cut short goes on by the Trend, at its own mean pace, to the step where others ended by themselves. A failed
/// one fails, in every attempt. Instances come in the order that `seed` draws (tuner/instances.hpp). `space` outlives the problem; the recording is shared by many simulations over it. A trial
/// costs O(recorded trials).
std::unique_ptr<Problem> recorded_problem(const Space& space, std::shared_ptr<const Recording> recording, std::uint64_t seed);

/// Distance as recorded_problem measures it, for a space's dimension each; `most`: more is not told exactly.
double recorded_distance(const Space& space, const std::vector<double>& a, const std::vector<double>& b, double most);

/// The position of parameters in the space as RecordedTrial has it.
std::vector<double> recorded_position(const Space& space, const Params& params);

}  // namespace tune
