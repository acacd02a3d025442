// SPDX-License-Identifier: Apache-2.0
// The part of StoreReader that serves those who look again and again: what changed, and not everything anew.
#include <algorithm>
#include <map>
#include <optional>
#include <set>
#include <tuple>

#include "store/sqlite/journal.hpp"
#include "store/sqlite/opened_reader.hpp"
#include "store/sqlite/ownership.hpp"
#include "tuner/facts_json.hpp"

namespace tune {

using namespace sqlite;

namespace {

// What people said, and how long its attempts ran; after kTrialColumns. Nearly always there was one and the trial ended with it.
// Only of others the records are asked: what was paused may be settled long after it ran.
constexpr const char* kMarks =
    ", star, tags, note, CASE WHEN attempt=1 AND cause='done' AND launched_at IS NOT NULL THEN ended_at - launched_at"
    " WHEN attempt > 1 OR cause IS NOT NULL THEN (SELECT sum(json_extract(f.body, '$.usage.seconds')) FROM facts f"
    " WHERE f.trial=trials.id AND +f.kind='Exited') END";
constexpr int kOwnColumns = 8;  // m0 … m7.
constexpr int kCost = 5 + kOwnColumns;  // Of these:
constexpr const char* kReportColumns = "trial, attempt, n, set_id, m0, m1, m2, m3, m4, m5, m6, m7, more, cost";

/// The names of each list of metrics in the store, by column.
std::map<std::int64_t, std::vector<std::string>> metric_sets(const Database& db) {
  std::map<std::int64_t, std::vector<std::string>> sets;
  auto s = db.prepare("SELECT set_id, name FROM metrics ORDER BY set_id, col");
  while (s.step()) sets[s.integer(0)].emplace_back(s.text(1));
  return sets;
}

/// The lists that this experiment's reports use. Only where the store holds several experiments are reports looked at.
std::vector<std::int64_t> sets_of(const Database& db, std::int64_t experiment) {
  std::vector<std::int64_t> used;
  auto s = db.prepare(
      "SELECT DISTINCT set_id FROM metrics m WHERE (SELECT count(*) FROM experiments) = 1 OR EXISTS(SELECT 1 FROM reports r "
      "WHERE r.id BETWEEN ?1 AND ?2 AND r.set_id=m.set_id)");
  for (bind_range(s, experiment); s.step();) used.push_back(s.integer(0));
  return used;
}

/// Tells the values of the report that `s` is at (kReportColumns).
class ReportTeller {
 public:
  ReportTeller(const Database& db, TrialFollower& follower) : sets_(metric_sets(db)), follower_(follower) {}
  void tell(const Statement& s) {
    const TrialId trial{s.integer(0) & kNumberMask};
    const auto found = sets_.find(s.integer(3));
    if (found == sets_.end()) return;
    const auto& names = found->second;
    more_.clear();
    if (names.size() > kOwnColumns) read_numbers(s.text(4 + kOwnColumns), more_);
    for (std::size_t i = 0; i < names.size(); ++i) {
      const int column = 4 + static_cast<int>(i);
      if (i < kOwnColumns && !s.is_null(column)) follower_.on_metric(trial, names[i], s.number(column));
      if (i >= kOwnColumns && i - kOwnColumns < more_.size()) follower_.on_metric(trial, names[i], more_[i - kOwnColumns]);
    }
  }

 private:
  std::map<std::int64_t, std::vector<std::string>> sets_;
  TrialFollower& follower_;
  std::vector<double> more_;
};

TrialFollower::Change change(const Statement& s) {
  TrialFollower::Change c;
  c.row = trial_row(s), c.ended = !s.is_null(2), c.star = s.integer(13) != 0;
  if (s.text(14) != "[]") c.tags = s.text(14);
  c.note = s.text(15);
  if (!s.is_null(16)) c.seconds = s.number(16);
  return c;
}

/// Do trials tell what they cost? Looked for in the first and the last reports: those who do not shall not wait.
bool tells_cost(const Database& db, std::int64_t experiment) {
  for (const char* order : {"ASC", "DESC"}) {
    auto s = db.prepare("SELECT 1 FROM (SELECT cost FROM reports WHERE id BETWEEN ?1 AND ?2 ORDER BY id " + std::string{order} +
                        " LIMIT 1000) WHERE cost IS NOT NULL LIMIT 1");
    if (bind_range(s, experiment).step()) return true;
  }
  return false;
}

/// Of the trials with the numbers from `first` to `last`.
void tell_all(const Database& db, std::int64_t experiment, std::int64_t first, std::int64_t last, TrialFollower& follower) {
  const auto bind_part = [&](Statement& s) { s.bind(1, key_of(experiment, first)).bind(2, key_of(experiment, last)); };
  std::vector<std::int64_t> trials;
  auto rows = db.prepare("SELECT " + std::string{kTrialColumns} + kMarks + " FROM trials WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
  for (bind_part(rows); rows.step();) trials.push_back(rows.integer(0)), follower.on_trial(change(rows));
  auto params = db.prepare("SELECT trial, name, value, type FROM params WHERE trial BETWEEN ?1 AND ?2");
  for (bind_part(params); params.step();)
    follower.on_param({params.integer(0) & kNumberMask}, params.text(1), read_param(params, 2, 3));

  if (tells_cost(db, experiment)) {
    auto cost = db.prepare("SELECT attempt, max(cost) FROM reports WHERE trial=?1 AND cost IS NOT NULL GROUP BY attempt ORDER BY attempt");
    for (const auto trial : trials)
      for (cost.bind(1, trial); cost.step();)
        follower.on_cost({trial & kNumberMask}, static_cast<int>(cost.integer(0)), cost.number(1));
  }

  // The newest report of each list of names, in the order in which they came.
  ReportTeller teller(db, follower);
  const auto sets = sets_of(db, experiment);
  const std::string newest = "SELECT " + std::string{kReportColumns} + " FROM reports WHERE trial=?1";
  const std::string order = " ORDER BY attempt DESC, n DESC LIMIT 1";
  if (sets.size() == 1) {
    auto s = db.prepare(newest + order);
    for (const auto trial : trials)
      for (s.bind(1, trial); s.step();) teller.tell(s);
  } else if (sets.size() > 1) {
    auto s = db.prepare(newest + " AND set_id=?2" + order);
    auto place = db.prepare("SELECT attempt, n FROM reports WHERE trial=?1 AND set_id=?2" + order);
    for (const auto trial : trials) {
      std::vector<std::tuple<std::int64_t, std::int64_t, std::int64_t>> found;
      for (const auto set : sets)
        for (place.bind(1, trial).bind(2, set); place.step();) found.emplace_back(place.integer(0), place.integer(1), set);
      std::sort(found.begin(), found.end());
      for (const auto& [attempt, n, set] : found)
        for (s.bind(1, trial).bind(2, set); s.step();) teller.tell(s);
    }
  }
}

/// Records about the experiment as a whole change trials too, those that are not over.
bool concerns_all(const Database& db, std::int64_t experiment, Seq since) {
  auto s = db.prepare("SELECT 1 FROM facts WHERE id BETWEEN ?1 AND ?2 AND trial IS NULL AND kind IN "
                      "('Configured', 'Opened', 'WorkerLost', 'Imported', 'Finish') LIMIT 1");
  return bind_range(s, experiment, since + 1).step();
}

void tell_since(const Database& db, std::int64_t experiment, Seq since, TrialFollower& follower) {
  std::set<std::int64_t> touched;
  auto facts = db.prepare("SELECT trial FROM facts WHERE id BETWEEN ?1 AND ?2 AND trial IS NOT NULL");
  for (bind_range(facts, experiment, since + 1); facts.step();) touched.insert(facts.integer(0));
  auto reports = db.prepare("SELECT " + std::string{kReportColumns} + " FROM reports WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
  for (bind_range(reports, experiment, since + 1); reports.step();) touched.insert(reports.integer(0));
  if (concerns_all(db, experiment, since)) {
    auto open = db.prepare("SELECT id FROM trials WHERE id BETWEEN ?1 AND ?2 AND state IN ('queued', 'leased', 'running', 'paused')");
    for (bind_range(open, experiment); open.step();) touched.insert(open.integer(0));
  }
  auto row = db.prepare("SELECT " + std::string{kTrialColumns} + kMarks + " FROM trials WHERE id=?1");
  auto params = db.prepare("SELECT name, value, type FROM params WHERE trial=?1");
  for (const auto trial : touched) {
    for (row.bind(1, trial); row.step();) follower.on_trial(change(row));
    for (params.bind(1, trial); params.step();) follower.on_param({trial & kNumberMask}, params.text(0), read_param(params, 1, 2));
  }
  ReportTeller teller(db, follower);
  for (bind_range(reports, experiment, since + 1); reports.step();) {
    teller.tell(reports);
    if (!reports.is_null(kCost))
      follower.on_cost({reports.integer(0) & kNumberMask}, static_cast<int>(reports.integer(1)), reports.number(kCost));
  }
}

/// Reads one metric's points out of rows of `reports`, from the column `first` on.
class PointReader {
 public:
  PointReader(const Database& db, const std::string& metric, int first) : first_(first) {
    const auto sets = metric_sets(db);
    for (const auto& [set, names] : sets)
      for (std::size_t i = 0; i < names.size(); ++i)
        if (names[i] == metric) place_[set] = i, own_ = i;
    // Nearly always the metric has one place, and then one column is read; in every list, and then no report's list is.
    for (const auto& [set, place] : place_)
      if (own_ != place || place >= kOwnColumns) own_.reset();
    everywhere_ = own_ && place_.size() == sets.size();
  }
  bool known() const { return !place_.empty(); }
  /// To be selected there.
  std::string columns() const {
    if (!own_) return "step, at, set_id, m0, m1, m2, m3, m4, m5, m6, m7, more";
    return std::string{"step, at, "} + (everywhere_ ? "" : "set_id, ") + "m" + std::to_string(*own_);
  }

  /// nullopt: this report does not have the metric.
  std::optional<StepValue> read(const Statement& s) {
    const auto place = everywhere_ ? own_ : place_of(s.integer(first_ + 2));
    if (!place) return std::nullopt;
    const int values = first_ + (everywhere_ ? 2 : 3);
    const int column = own_ ? values : values + static_cast<int>(std::min<std::size_t>(*place, kOwnColumns));
    if (s.is_null(column)) return std::nullopt;
    StepValue point{s.integer(first_), s.number(first_ + 1), 0};
    if (*place < kOwnColumns) {
      point.value = s.number(column);
      return point;
    }
    more_.clear();
    if (!read_numbers(s.text(column), more_) || *place - kOwnColumns >= more_.size()) return std::nullopt;
    point.value = more_[*place - kOwnColumns];
    return point;
  }

 private:
  std::optional<std::size_t> place_of(std::int64_t set) const {
    const auto found = place_.find(set);
    return found == place_.end() ? std::nullopt : std::optional{found->second};
  }
  int first_;
  std::map<std::int64_t, std::size_t> place_;  // By list of names.
  std::optional<std::size_t> own_;             // In all of them, and a column of its own.
  bool everywhere_ = false;                    // And there is no other list.
  std::vector<double> more_;
};

std::optional<Seq> last_seq(const Database& db, std::int64_t experiment) {
  auto s = db.prepare("SELECT last_seq FROM owner WHERE experiment=?1");
  return s.bind(1, experiment).step() ? std::optional{s.integer(0)} : std::nullopt;
}

void end_transaction(const Database& db) {
  if (db.in_transaction()) sqlite3_exec(db.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
}

constexpr int kTries = 20;  // To see one state with several readers: a commit may come between any two of them.

}  // namespace

Result<std::unique_ptr<ReadersTogether>> ReadersTogether::look(std::vector<const StoreReader*> readers, std::int64_t experiment) {
  std::unique_ptr<ReadersTogether> all(new ReadersTogether);
  all->readers_ = std::move(readers), all->experiment_ = experiment;
  const auto& opened = *all->readers_.front()->opened_;
  try {
    bool same = false;
    for (int i = 0; i < kTries && !same; ++i) {
      same = true;
      for (const auto* reader : all->readers_) {
        const auto& db = reader->opened_->db;
        end_transaction(db);
        db.execute("BEGIN");
        const auto seq = last_seq(db, experiment);
        if (!seq) return no_experiment();
        same = same && (reader == all->readers_.front() || *seq == all->seq_);
        all->seq_ = *seq;
      }
    }
    if (!same) {
      for (const auto* reader : all->readers_)
        if (reader != all->readers_.front()) end_transaction(reader->opened_->db);
      all->readers_.resize(1);
      all->seq_ = last_seq(opened.db, experiment).value_or(0);
    }
    auto last = opened.db.prepare("SELECT max(id) FROM trials WHERE id BETWEEN ?1 AND ?2");
    if (bind_range(last, experiment).step() && !last.is_null(0)) all->trials_ = (last.integer(0) & kNumberMask) + 1;
  } catch (const Failure& failure) {
    return to_error(failure, opened.path);
  }
  return all;
}

ReadersTogether::~ReadersTogether() {
  for (const auto* reader : readers_) end_transaction(reader->opened_->db);
}

Result<Done> ReadersTogether::tell(std::size_t which, TrialId from, TrialId to, TrialFollower& follower) const {
  const auto& opened = *readers_[which]->opened_;
  try {
    tell_all(opened.db, experiment_, from.value, to.value - 1, follower);
  } catch (const Failure& failure) {
    return to_error(failure, opened.path);
  }
  return Done{};
}

Result<std::vector<Pulse>> StoreReader::pulses() const {
  return opened_->look([&]() -> Result<std::vector<Pulse>> {
    std::vector<Pulse> pulses;
    auto s = opened_->db.prepare(
        "SELECT e.id, e.name, e.state, o.last_seq FROM experiments e LEFT JOIN owner o ON o.experiment=e.id ORDER BY e.name");
    while (s.step()) pulses.push_back({s.integer(0), std::string{s.text(1)}, std::string{s.text(2)}, false, s.integer(3)});
    for (auto& pulse : pulses) pulse.owned = OwnerLock::held(folder_of(opened_->path, pulse.name));
    return pulses;
  });
}

Result<Seq> StoreReader::follow(std::int64_t experiment, Seq since, TrialFollower& follower) const {
  return opened_->look([&]() -> Result<Seq> {
    const auto last = last_seq(opened_->db, experiment);
    if (!last) return no_experiment();
    if (since <= 0)
      tell_all(opened_->db, experiment, 0, kNumberMask, follower);
    else if (*last > since)
      tell_since(opened_->db, experiment, since, follower);
    return *last;
  });
}

Result<std::vector<double>> StoreReader::results(std::int64_t experiment) const {
  return opened_->look([&]() -> Result<std::vector<double>> {
    std::vector<double> values;
    auto s = opened_->db.prepare(
        "SELECT value FROM trials WHERE id BETWEEN ?1 AND ?2 AND state IN ('complete', 'stopped') AND feasible AND value IS "
        "NOT NULL ORDER BY ended_at, id");
    for (bind_range(s, experiment); s.step();) values.push_back(s.number(0));
    return values;
  });
}

Result<std::vector<Record>> StoreReader::facts(std::int64_t experiment, const FactQuery& query) const {
  return opened_->look([&]() -> Result<std::vector<Record>> {
    std::string sql = "SELECT id, at, epoch, kind, body FROM facts WHERE id BETWEEN ?1 AND ?2";
    if (query.trial) sql += " AND trial=?3";
    for (std::size_t i = 0; i < query.kinds.size(); ++i)
      sql += (i ? ",?" : " AND kind IN (?") + std::to_string(5 + i) + (i + 1 == query.kinds.size() ? ")" : "");
    sql += query.before ? " ORDER BY id DESC LIMIT ?4" : " ORDER BY id LIMIT ?4";
    auto s = opened_->db.prepare(sql);
    s.bind(1, key_of(experiment, query.after + 1)).bind(2, key_of(experiment, query.before ? *query.before - 1 : kNumberMask));
    if (query.trial) s.bind(3, key_of(experiment, query.trial->value));
    s.bind(4, query.limit);
    for (std::size_t i = 0; i < query.kinds.size(); ++i) s.bind(static_cast<int>(5 + i), std::string_view{query.kinds[i]});
    std::vector<Record> records;
    while (s.step()) {
      auto record = record_from_json(s.integer(0) & kNumberMask, {s.number(1)}, s.integer(2), s.text(3), s.text(4));
      if (!record) return record.error();
      records.push_back(std::move(record).value());
    }
    if (query.before) std::reverse(records.begin(), records.end());
    return records;
  });
}

Result<Done> StoreReader::curves(std::int64_t experiment, std::span<const TrialId> trials, const std::string& metric,
                                 const std::function<void(TrialId, std::span<const CurvePoint>)>& each) const {
  return opened_->look([&]() -> Result<Done> {
    PointReader reader(opened_->db, metric, 2);
    if (!reader.known()) return Done{};
    auto s = opened_->db.prepare("SELECT attempt, n, " + reader.columns() + " FROM reports WHERE trial=?1 ORDER BY attempt, n");
    std::vector<CurvePoint> points;
    for (const auto trial : trials) {
      points.clear();
      for (s.bind(1, key_of(experiment, trial.value)); s.step();)
        if (const auto p = reader.read(s)) points.push_back({static_cast<int>(s.integer(0)), s.integer(1), p->step, p->at, p->value});
      if (!points.empty()) each(trial, points);
    }
    return Done{};
  });
}

Result<Done> StoreReader::curve_points(std::int64_t experiment, Seq from, Seq to, const std::string& metric,
                                       const std::function<void(TrialId, const StepValue&)>& each) const {
  return opened_->look([&]() -> Result<Done> {
    PointReader reader(opened_->db, metric, 1);
    if (!reader.known()) return Done{};
    auto s = opened_->db.prepare("SELECT trial, " + reader.columns() + " FROM reports WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    for (s.bind(1, key_of(experiment, from)).bind(2, key_of(experiment, to)); s.step();)
      if (const auto point = reader.read(s)) each({s.integer(0) & kNumberMask}, *point);
    return Done{};
  });
}

}  // namespace tune
