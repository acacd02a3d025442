// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"
#include "ui/cli/front.hpp"
#include "ui/view/ending.hpp"

namespace tune {

/// A series of values of which at most 64 are kept: when it is full, every second one goes and from then on every
/// second new one is left out. Enough for a sparkline of any length.
class ThinnedCurve {
 public:
  void add(double value);
  const std::vector<double>& values() const { return values_; }

 private:
  std::vector<double> values_;
  std::int64_t stride_ = 1, skip_ = 0;
};

/// What the live block shows: an experiment folded from its durable records, at the size of a terminal. Pure; the
/// caller locks. Memory grows with live trials only.
class Board {
 public:
  explicit Board(const Spec& spec);

  struct News {
    bool best = false;      ///< The record made its trial the best, or with several objectives one of the best.
    bool failed = false;    ///< An attempt failed, or a trial did although its attempt ended well (no objective).
    bool finished = false;  ///< The trial reached a final state.
  };
  /// O(log live). `history` is that of the moment, which may be ahead of the record.
  News learn(const Record&, const History& history);
  void turn(const History& history, std::optional<std::string> trouble);
  /// What an earlier process found: the best so far. Before the first record.
  void begin(const History& history);

  /// At most `height` lines of at most `width` columns. `elapsed` are seconds of this process.
  std::vector<std::string> lines(double elapsed, std::size_t width, std::size_t height, bool colour) const;
  /// For pipes: "12/60  best 0.0123 loss (trial 7)  running 2  eta 5s".
  std::string summary(double elapsed) const;

  /// A finished trial counts for the forecast at this moment.
  void finished_at(double elapsed);
  /// The last line of the block from now on; `until`: when those that are asked to end are ended by force.
  void say_ending(std::string how, std::optional<double> until) { ending_ = std::move(how), ending_until_ = until; }

  struct Best {
    TrialId trial;
    double value = 0;
    Params params;
    ThinnedCurve curve;
  };
  /// With several objectives the newest of the best.
  const std::optional<Best>& best() const { return best_; }
  const Front& front() const { return front_; }
  bool several() const { return front_.objectives().size() > 1; }
  /// "best 0.0123 loss (trial 7)", "best 4 trials, none of which beats another"; empty if there is none.
  std::string best_text(bool colour) const;
  const std::string& metric() const { return metric_; }
  bool maximize() const { return maximize_; }
  std::int64_t finished() const;
  std::int64_t count(TrialState s) const { return counts_[static_cast<std::size_t>(s)]; }
  std::optional<std::int64_t> budget() const { return budget_; }

 private:
  struct Live {
    ThinnedCurve curve;
    std::optional<double> last;
    std::int64_t step = 0, until_step = kNoStep;
    Params params;
    bool failed = false;  ///< An attempt of it did.
  };
  struct Crossings {
    std::int64_t passed = 0, cut = 0;
  };
  std::optional<double> eta(double elapsed) const;
  std::string headline(double elapsed, std::size_t width, bool colour) const;
  std::string counters(bool colour) const;
  std::string rungs(bool colour) const;
  std::string trial_line(TrialId, const Live&, std::size_t width, bool colour) const;
  bool consider_best(TrialId, const History&);

  std::string name_, metric_;
  bool maximize_ = false;
  std::optional<std::int64_t> budget_;
  std::optional<double> time_budget_, cost_budget_;
  double cost_ = 0;
  std::array<std::int64_t, 9> counts_{};
  std::map<TrialId, Live> live_;
  std::optional<Best> best_;
  Front front_;  ///< Kept where there are several objectives.
  std::map<std::int64_t, Crossings> crossings_;
  std::map<Cause, std::int64_t> failures_;
  std::deque<double> finishes_;  ///< When the last 32 trials ended.
  std::int64_t warnings_ = 0, since_best_ = 0;
  std::string finishing_, ending_, trouble_;
  std::optional<double> ending_until_;
};

}  // namespace tune
