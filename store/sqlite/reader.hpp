// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"
#include "tuner/store.hpp"
#include "tuner/value.hpp"

namespace tune {

/// One value of a table: absent, a whole number, a number (NaN and infinities included) or text.
using Cell = std::variant<std::monostate, std::int64_t, double, std::string>;

struct Table {
  std::vector<std::string> columns;
  std::vector<std::vector<Cell>> rows;
};

/// One experiment as the store tells of it.
struct ExperimentRow {
  std::int64_t id = 0;
  std::string name;
  double created = 0;
  std::string state;   ///< new, running, finishing, finished
  bool owned = false;  ///< A process owns it now. "running" and not owned: it was interrupted.
  std::string why;     ///< Why it finishes.
  std::optional<int> exit_code;
  std::optional<TrialId> best_trial;
  std::optional<double> best_value;
  std::vector<std::string> tags;
  std::string note;
  bool star = false, archived = false;
  std::string config, space_hash;        ///< Effective configuration, JSON; empty before the first Configured.
  std::array<std::int64_t, 9> counts{};  ///< Trials by TrialState.
  std::int64_t trials = 0;
  Seq last_seq = 0;
  std::int64_t epoch = 0, pid = 0;  ///< Of the last owner.
  std::string host, version;
};

/// Which trials, which columns, in which order.
///
/// A name in `where`, `sort` and `columns` is a column of the trial (number, state, cause, attempt, reports, last_step,
/// until_step, proposed_at, launched_at, ended_at, value, feasible, tags, note, star), a parameter, or a metric (its
/// last reported value), in this order; `params.x` and `metrics.x` say which is meant. In `where`, `tag` is each of a
/// trial's tags.
struct TrialQuery {
  /// `loss < 0.1 and (lr > 1e-4 or opt == "adam") and not feasible`. or and not; < <= > >= == = !=; numbers, "text",
  /// 'text', true, false, nan, null; parentheses. A comparison with something absent does not hold, nor does its
  /// negation; NaN is neither less nor greater than anything. Empty: all trials.
  /// `note ~ "too high"`: the text is in it, A-Z and a-z alike. `tag = keep`, `tag != keep`, `tag ~ ke`: the trial has
  /// such a tag, or has it not; `tag` alone: it has any. After `~` and after `tag` a word needs no quotes.
  std::string where = {};
  std::string sort = "number";  ///< Absent values and NaN come last either way.
  bool descending = false;
  std::optional<std::int64_t> top = {};
  std::vector<TrialState> states = {};    ///< Empty: all.
  std::vector<std::string> columns = {};  ///< Empty: number, state, cause, value, last_step, then every parameter.
  std::string objective = {};             ///< The metric whose name means `value`. Empty: none does.
  /// Only what comes after this row in the order asked for: `key` is its value of `sort`. For paging by key.
  struct After {
    Cell key;
    std::int64_t number = 0;
  };
  std::optional<After> after = {};
};

/// How far an experiment is: what tells a cheap look from one that is needed.
struct Pulse {
  std::int64_t id = 0;
  std::string name, state;
  bool owned = false;
  Seq seq = 0;
};

/// Somebody who keeps a copy of an experiment's trials and is told what changed. For each trial: on_trial, then all its
/// parameters; then, for all of them, values of metrics as they were reported, newer ones later.
class TrialFollower {
 public:
  struct Change {
    TrialRow row;
    bool ended = false;  ///< An attempt of it did, and row.cause says how.
    bool star = false;
    std::optional<double> seconds;  ///< That its attempts ran, all that have ended; nullopt: none has.
    std::string tags, note;  ///< Tags as a JSON list of texts. Empty: none.
  };
  virtual ~TrialFollower() = default;
  virtual void on_trial(const Change&) = 0;
  virtual void on_param(TrialId, std::string_view name, const Value&) = 0;
  virtual void on_metric(TrialId, std::string_view name, double value) = 0;
  /// What an attempt of it has cost so far, as it said (TrialCost adds them up). Attempts come in order.
  virtual void on_cost(TrialId, int /*attempt*/, double /*so_far*/) {}
};

/// Which facts of a journal, reports left out.
struct FactQuery {
  Seq after = 0;                ///< Only later ones, oldest first;
  std::optional<Seq> before = {};  ///< or the last ones before this.
  std::int64_t limit = 200;
  std::vector<std::string> kinds = {};  ///< "Stop", "Exploit"; empty: all.
  std::optional<TrialId> trial = {};
};

struct CurvePoint {
  int attempt = 0;
  std::int64_t n = 0, step = 0;
  double at = 0, value = 0;
};

/// Of a curve what is drawn.
struct StepValue {
  std::int64_t step = 0;
  double at = 0, value = 0;
};

struct AttemptRow {
  int attempt = 0;
  std::string form;
  std::optional<std::string> checkpoint;  ///< It was restored from.
  std::optional<std::int64_t> worker, pid;
  double launched_at = 0;
  std::optional<double> started_at, ended_at;
  std::optional<Cause> cause;  ///< Absent while it runs.
  std::optional<int> exit_code, signal;
  std::optional<double> seconds, cpu_seconds;
  std::optional<std::int64_t> peak_memory_bytes;
  std::string text;
};

struct TrialDetail {
  TrialRow row;
  Params params;  ///< As they are now.
  std::vector<std::string> tags;
  std::string note;
  bool star = false;
  Metrics last;                      ///< The newest report's.
  std::vector<AttemptRow> attempts;  ///< Oldest first.
};

/// Looks into a store beside its owners, whoever they are: for the command line and the dashboard. Takes no lock that
/// anybody waits for. Each call sees one committed state of the experiment; two calls may see different ones. One
/// thread.
///
/// Errors: not_found (no file, no such experiment or trial; the message names near ones), corrupt, io, and invalid for
/// a query that makes no sense, with the place in it.
class StoreReader {
 public:
  static Result<std::unique_ptr<StoreReader>> open(const std::string& path);
  ~StoreReader();

  /// By name; archived ones too.
  Result<std::vector<ExperimentRow>> experiments() const;
  Result<ExperimentRow> experiment(const std::string& name) const;
  /// Its effective configuration, JSON; empty before the first Configured. No trial is looked at.
  Result<std::string> config(std::int64_t experiment) const;
  /// Of each experiment, by name. O(experiments): no trial is looked at.
  Result<std::vector<Pulse>> pulses() const;
  /// The only experiment of this store. invalid if there are several, naming them.
  Result<ExperimentRow> only_experiment() const;

  Result<Table> trials(std::int64_t experiment, const TrialQuery&) const;
  /// The same, a row at a time in constant memory. `head` is called once, before any row.
  Result<Done> each_trial(std::int64_t experiment, const TrialQuery&,
                          const std::function<void(const std::vector<std::string>&)>& head,
                          const std::function<void(std::span<const Cell>)>& row) const;
  /// The projections as they are stored, by number.
  Result<std::vector<TrialRow>> rows(std::int64_t experiment) const;

  /// Tells `follower` of every trial that a record after `since` may have changed (0: of all), as of one committed state;
  /// returns that state's last seq. O(those records and trials); some microseconds a trial the first time.
  Result<Seq> follow(std::int64_t experiment, Seq since, TrialFollower& follower) const;
  /// Values of the trials that count as results (complete or stopped, feasible), in the order in which they ended.
  Result<std::vector<double>> results(std::int64_t experiment) const;

  Result<TrialDetail> trial(std::int64_t experiment, TrialId) const;
  Result<std::vector<AttemptRow>> attempts(std::int64_t experiment, TrialId) const;
  /// Oldest report first; reports without the metric are left out.
  Result<std::vector<CurvePoint>> curve(std::int64_t experiment, TrialId, const std::string& metric) const;
  /// The same for many trials, in their order; `each` is called for those that reported it.
  Result<Done> curves(std::int64_t experiment, std::span<const TrialId>, const std::string& metric,
                      const std::function<void(TrialId, std::span<const CurvePoint>)>& each) const;
  /// The same for all trials, of the records `from` to `to` in order of seq: the journal is read as it lies, which costs half
  /// as much a report, and its parts can be read by several readers at once.
  Result<Done> curve_points(std::int64_t experiment, Seq from, Seq to, const std::string& metric,
                            const std::function<void(TrialId, const StepValue&)>& each) const;
  /// Every name that a report of the experiment had, sorted. Every parameter's name, sorted.
  Result<std::vector<std::string>> metric_names(std::int64_t experiment) const;
  Result<std::vector<std::string>> param_names(std::int64_t experiment) const;

  /// The facts about one trial without its reports, oldest first: what `tune explain` tells.
  Result<std::vector<Record>> facts(std::int64_t experiment, TrialId) const;
  /// Some facts of the journal in order of seq, reports left out. O(limit), but for `kinds`: O(what is passed over).
  Result<std::vector<Record>> facts(std::int64_t experiment, const FactQuery&) const;
  /// The journal from `from` on, reports included.
  Result<Done> read(std::int64_t experiment, Seq from, const std::function<void(Record&&)>&) const;

  /// A view of docs/formats/store.md whole, or its rows about one trial, in order of seq.
  enum class View { decisions, rungs, lineage, attempts, checkpoints, workers, allocations };
  Result<Table> view(View, std::int64_t experiment, std::optional<TrialId> = {}) const;

 private:
  friend class ReadersTogether;
  struct Opened;
  explicit StoreReader(std::unique_ptr<Opened>);
  std::unique_ptr<Opened> opened_;
};

/// Several readers of one store that see the same committed state of an experiment, so that each can tell of a part of its
/// trials, on a thread of its own. They are used for nothing else while this lives.
class ReadersTogether {
 public:
  /// `readers`: one at least; they outlive this. Where somebody writes so often that they never see the same state only the
  /// first one stays.
  static Result<std::unique_ptr<ReadersTogether>> look(std::vector<const StoreReader*> readers, std::int64_t experiment);
  ~ReadersTogether();

  std::size_t size() const { return readers_.size(); }
  Seq seq() const { return seq_; }
  /// The highest number of a trial, and one more.
  std::int64_t trials() const { return trials_; }
  /// Tells `follower` of the trials from `from` up to but without `to`, as StoreReader::follow does of all. By the reader
  /// `which`: one call for each at a time, from any thread.
  Result<Done> tell(std::size_t which, TrialId from, TrialId to, TrialFollower& follower) const;

 private:
  ReadersTogether() = default;
  std::vector<const StoreReader*> readers_;  // In a transaction, each of them.
  std::int64_t experiment_ = 0, trials_ = 0;
  Seq seq_ = 0;
};

/// Writes a trial query's answer as text, in pieces, to `write`.
/// CSV (RFC 4180, first line names the columns): cells that a spreadsheet would take for a formula (they begin with = +
/// - @, tab or carriage return, and are no number) get a ' in front. Absent is empty, NaN nan.
Result<Done> export_csv(const StoreReader&, std::int64_t experiment, const TrialQuery&,
                        const std::function<void(std::string_view)>& write);
/// One JSON object a line; absent is null, NaN "nan".
Result<Done> export_ndjson(const StoreReader&, std::int64_t experiment, const TrialQuery&,
                           const std::function<void(std::string_view)>& write);

}  // namespace tune
