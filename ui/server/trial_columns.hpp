// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "store/sqlite/reader.hpp"
#include "tuner/spec.hpp"
#include "tuner/trial_cost.hpp"

namespace tune {

/// One experiment's trials by column, in memory, kept up with the store: what the dashboard draws from. About 16 bytes a
/// trial and parameter or metric. Not for several threads at once.
class TrialColumns final : private TrialFollower {
 public:
  /// `spec`: which parameters there are and how they are shown; only looked at here.
  TrialColumns(std::int64_t experiment, const Spec& spec);

  /// Catches up. O(what changed); the first time some microseconds a trial.
  Result<Done> follow(const StoreReader&);
  /// The first time, by several readers at once: the same as one would leave.
  Result<Done> read(const ReadersTogether&);

  Seq seq() const { return seq_; }
  std::size_t size() const { return trials_; }
  const std::array<std::int64_t, 9>& counts() const { return counts_; }  ///< By state.
  /// Numbers of the trials that a record after `since` touched, ascending; nullopt: more than `most`. O(trials).
  std::optional<std::vector<std::int64_t>> touched(Seq since, std::size_t most) const;

  /// The record that touched a trial last, at the latest; 0: there is no such trial.
  Seq touched(TrialId) const;
  /// How many reports of it were accepted. It has to be there.
  std::int64_t reports(TrialId trial) const { return reports_[static_cast<std::size_t>(trial.value)]; }
  /// Numbers of the trials with the best values, best first; failed, infeasible and cancelled ones have none. O(n log n).
  std::vector<std::int64_t> best(std::size_t count, bool maximize) const;

  /// Names of all columns, in the order in which they are sent if nobody says which.
  std::vector<std::string> names() const;
  /// Columns on the wire, of all trials or of those touched after `since`. Empty `names`: all. invalid: there is no such
  /// column. Some milliseconds for a hundred thousand trials.
  Result<std::string> write(std::vector<std::string> names, std::optional<Seq> since) const;

 private:
  /// A parameter's or a metric's values: numbers, or codes into a dictionary.
  struct Column {
    std::string name;
    bool coded = false;
    std::vector<double> numbers;
    std::vector<std::uint32_t> codes;
    std::vector<std::string> dictionary;
    std::map<std::string, std::uint32_t, std::less<>> known;

    std::uint32_t code(std::string_view text);
    void resize(std::size_t rows);
    void forget(std::size_t row);
    void append(const Column& next);
  };
  class Writing;

  void on_trial(const Change&) override;
  void on_param(TrialId, std::string_view name, const Value&) override;
  void on_metric(TrialId, std::string_view name, double value) override;
  void on_cost(TrialId, int attempt, double so_far) override;
  std::size_t row_of(TrialId trial) const { return static_cast<std::size_t>(trial.value) - first_; }
  Column& column(std::vector<Column>&, std::string_view name, bool coded, std::size_t& hint);
  void resize(std::size_t rows);
  /// Is what is a number here a number there? Else one reader has to decide for all.
  bool fits(const TrialColumns& next) const;
  void append(const TrialColumns& next);

  std::int64_t experiment_;
  std::size_t first_ = 0;  // The number of the first row: while they are read in parts.
  std::vector<std::string> objectives_;
  Seq seq_ = 0;
  std::size_t trials_ = 0;  // That are there; rows_ may have gaps in a store that was salvaged.
  std::array<std::int64_t, 9> counts_{};

  // By number.
  std::vector<Seq> touched_;  // 0: there is no such trial.
  std::vector<std::uint8_t> state_, cause_, feasible_, star_;
  std::vector<std::int32_t> number_, attempt_, reports_;
  std::vector<double> value_, last_step_, until_step_, proposed_at_, launched_at_, ended_at_, ran_seconds_;
  std::vector<double> cost_;         // Empty: no trial told.
  std::vector<TrialCost> costs_;
  std::vector<Column> params_, metrics_;
  std::vector<std::vector<double>> values_;  // Of each objective, where there are several.
  std::map<std::size_t, std::string> tags_, notes_;  // Few trials have any.

  std::size_t param_hint_ = 0, metric_hint_ = 0;
  std::vector<std::size_t> changed_;  // During follow().
};

}  // namespace tune
