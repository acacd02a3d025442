// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/reader.hpp"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "store/sqlite/journal.hpp"
#include "store/sqlite/opened_reader.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/schema.hpp"
#include "store/sqlite/where.hpp"
#include "tuner/facts_json.hpp"
#include "tuner/json.hpp"
#include "tuner/nearest.hpp"

namespace tune {

using namespace sqlite;
namespace fs = std::filesystem;

namespace {

constexpr int kPatience = 5000;  // Milliseconds.

std::vector<std::string> string_list(std::string_view text) {
  std::vector<std::string> list;
  JsonReader json(text);
  if (json.next() != JsonReader::Token::array) return list;
  while (json.next() == JsonReader::Token::string) list.emplace_back(json.text());
  return list;
}

Cell cell(const Statement& s, int at) {
  switch (s.type(at)) {
    case SQLITE_INTEGER:
      return s.integer(at);
    case SQLITE_FLOAT:
      return s.number(at);
    case SQLITE_TEXT:
      if (s.text(at) == "nan") return s.number(at);
      return std::string{s.text(at)};
    default:
      return std::monostate{};
  }
}

std::optional<std::int64_t> maybe_integer(const Statement& s, int at) {
  return s.is_null(at) ? std::nullopt : std::optional{s.integer(at)};
}
std::optional<int> maybe_int(const Statement& s, int at) {
  return s.is_null(at) ? std::nullopt : std::optional{static_cast<int>(s.integer(at))};
}
std::optional<double> maybe_number(const Statement& s, int at) {
  return s.is_null(at) ? std::nullopt : std::optional{s.number(at)};
}

constexpr const char* kExperiments =
    "SELECT e.id, e.name, e.created, e.state, e.why, e.exit_code, e.best_trial, e.best_value, e.tags, e.note, e.star, "
    "e.archived, e.config, e.space_hash, o.epoch, o.last_seq, o.host, o.pid, o.version "
    "FROM experiments e LEFT JOIN owner o ON o.experiment=e.id ";

ExperimentRow experiment_row(const Statement& s) {
  ExperimentRow e;
  e.id = s.integer(0), e.name = s.text(1), e.created = s.number(2), e.state = s.text(3), e.why = s.text(4);
  e.exit_code = maybe_int(s, 5);
  if (!s.is_null(6)) e.best_trial = TrialId{s.integer(6) & kNumberMask};
  e.best_value = maybe_number(s, 7);
  e.tags = string_list(s.text(8)), e.note = s.text(9), e.star = s.integer(10) != 0, e.archived = s.integer(11) != 0;
  e.config = s.text(12), e.space_hash = s.text(13);
  e.epoch = s.integer(14), e.last_seq = s.integer(15), e.host = s.text(16), e.pid = s.integer(17),
  e.version = s.text(18);
  return e;
}

void count_trials(const Database& db, ExperimentRow& e) {
  // Not grouped by SQLite, which would sort the trials first.
  auto states = db.prepare("SELECT state FROM trials WHERE id BETWEEN ?1 AND ?2");
  for (bind_range(states, e.id); states.step(); ++e.trials)
    if (const auto state = trial_state(states.text(0))) ++e.counts[static_cast<std::size_t>(*state)];
}

std::vector<AttemptRow> attempt_rows(const Database& db, std::int64_t trial) {
  auto s = db.prepare(
      "SELECT attempt, form, checkpoint, worker, pid, launched_at, started_at, ended_at, cause, exit_code, signal, "
      "seconds, "
      "cpu_seconds, peak_memory_bytes, text FROM attempts WHERE trial=?1 ORDER BY attempt");
  std::vector<AttemptRow> rows;
  for (s.bind(1, trial); s.step();) {
    AttemptRow a;
    a.attempt = static_cast<int>(s.integer(0)), a.form = s.text(1);
    if (!s.is_null(2)) a.checkpoint = s.text(2);
    a.worker = maybe_integer(s, 3), a.pid = maybe_integer(s, 4), a.launched_at = s.number(5);
    a.started_at = maybe_number(s, 6), a.ended_at = maybe_number(s, 7);
    if (!s.is_null(8)) a.cause = cause(s.text(8));
    a.exit_code = maybe_int(s, 9), a.signal = maybe_int(s, 10), a.seconds = maybe_number(s, 11);
    a.cpu_seconds = maybe_number(s, 12), a.peak_memory_bytes = maybe_integer(s, 13), a.text = s.text(14);
    rows.push_back(std::move(a));
  }
  return rows;
}

Metrics last_metrics(const Database& db, std::int64_t trial) {
  auto s = db.prepare(
      "SELECT metric, value FROM curves WHERE trial=?1 AND (attempt, n) = (SELECT attempt, n FROM reports WHERE "
      "trial=?1 "
      "ORDER BY attempt DESC, n DESC LIMIT 1)");
  std::vector<std::string> names;
  Metrics metrics;
  for (s.bind(1, trial); s.step();) names.emplace_back(s.text(0)), metrics.values.push_back(s.number(1));
  metrics.names = std::make_shared<const std::vector<std::string>>(std::move(names));
  return metrics;
}

/// What comes after a row in the order of each_trial: its place among absent, NaN and other values, its value, its number.
std::string after(const TrialQuery::After& row, const std::string& place, bool descending, std::int64_t experiment, Sql& pick) {
  const bool absent = std::holds_alternative<std::monostate>(row.key);
  const auto* number = std::get_if<double>(&row.key);
  const bool nan = number && std::isnan(*number);
  const std::string id = pick.bind(key_of(experiment, row.number));
  const std::string own = absent ? "2" : nan ? "1" : "0";
  const std::string beyond = " WHERE (" + place + " > " + own + " OR (" + place + " = " + own + " AND ";
  if (absent || nan) return beyond + "id > " + id + "))";
  const std::string key = pick.bind(row.key);
  return beyond + "(k " + (descending ? "<" : ">") + " " + key + " OR (k = " + key + " AND id > " + id + "))))";
}

Error no_trial(TrialId id) { return {Error::Code::not_found, "there is no trial " + std::to_string(id.value), ""}; }

}  // namespace

Result<std::unique_ptr<StoreReader>> StoreReader::open(const std::string& path) {
  std::error_code error;
  auto opened = std::make_unique<Opened>();
  opened->path = fs::weakly_canonical(path, error).string();
  if (auto there = check_file(path); !there) return there.error();
  try {
    opened->db = Database(opened->path, SQLITE_OPEN_READONLY);
    sqlite3_busy_timeout(opened->db.raw(), kPatience);  // Before the first look: who opens or closes it holds it for a moment.
    try {
      opened->db.integer("PRAGMA schema_version");
    } catch (const Failure& failure) {
      // On a read-only medium SQLite cannot make the -shm file. Without a -wal file nobody writes, so none is needed.
      if (((failure.code & 0xff) != SQLITE_CANTOPEN && (failure.code & 0xff) != SQLITE_READONLY) ||
          fs::exists(opened->path + "-wal"))
        throw;
      std::string uri = "file:";
      for (const char c : opened->path) uri += c == '?' ? "%3f" : c == '#' ? "%23" : c == '%' ? "%25" : std::string{c};
      opened->db = Database(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
    }
    opened->db.execute("PRAGMA trusted_schema=OFF; PRAGMA cache_size=-16000;");
    if (auto ours = check_store(opened->db, opened->path, true); !ours) return ours.error();
    opened->db.execute(temporary_views());
  } catch (const Failure& failure) {
    return to_error(failure, opened->path);
  }
  return std::unique_ptr<StoreReader>(new StoreReader(std::move(opened)));
}

StoreReader::StoreReader(std::unique_ptr<Opened> opened) : opened_(std::move(opened)) {}
StoreReader::~StoreReader() = default;

Result<std::vector<ExperimentRow>> StoreReader::experiments() const {
  return opened_->look([&]() -> Result<std::vector<ExperimentRow>> {
    std::vector<ExperimentRow> rows;
    auto s = opened_->db.prepare(std::string{kExperiments} + "ORDER BY e.name");
    while (s.step()) rows.push_back(experiment_row(s));
    for (auto& row : rows) {
      count_trials(opened_->db, row);
      row.owned = OwnerLock::held(folder_of(opened_->path, row.name));
    }
    return rows;
  });
}

Result<ExperimentRow> StoreReader::experiment(const std::string& name) const {
  return opened_->look([&]() -> Result<ExperimentRow> {
    auto s = opened_->db.prepare(std::string{kExperiments} + "WHERE e.name=?1");
    if (s.bind(1, std::string_view{name}).step()) {
      auto row = experiment_row(s);
      s.reset();
      count_trials(opened_->db, row);
      row.owned = OwnerLock::held(folder_of(opened_->path, row.name));
      return row;
    }
    std::vector<std::string> names;
    auto all = opened_->db.prepare("SELECT name FROM experiments ORDER BY name");
    while (all.step()) names.emplace_back(all.text(0));
    const auto near = nearest(name, names);
    return Error{Error::Code::not_found, opened_->path + " has no experiment " + printable(name),
                 near.empty() ? "tune ls shows those it has" : "did you mean " + printable(near) + "?"};
  });
}

Result<std::string> StoreReader::config(std::int64_t experiment) const {
  return opened_->look([&]() -> Result<std::string> {
    auto s = opened_->db.prepare("SELECT config FROM experiments WHERE id=?1");
    if (!s.bind(1, experiment).step()) return no_experiment();
    return std::string{s.text(0)};
  });
}

Result<ExperimentRow> StoreReader::only_experiment() const {
  auto all = experiments();
  if (!all) return all.error();
  if (all->size() == 1) return std::move(all->front());
  if (all->empty()) return Error{Error::Code::not_found, opened_->path + " has no experiment", ""};
  std::string names;
  for (const auto& e : *all) names += (names.empty() ? "" : ", ") + printable(e.name);
  return Error{Error::Code::invalid, opened_->path + " has several experiments: " + names, "say which one is meant"};
}

Result<Done> StoreReader::each_trial(std::int64_t experiment, const TrialQuery& query,
                                     const std::function<void(const std::vector<std::string>&)>& head,
                                     const std::function<void(std::span<const Cell>)>& row) const {
  return opened_->look([&]() -> Result<Done> {
    const Names names(opened_->db, experiment, query.objective);
    auto columns = query.columns;
    if (columns.empty()) {
      columns = {"number", "state", "cause", "value", "last_step"};
      columns.insert(columns.end(), names.params().begin(), names.params().end());
    }
    // First the trials and their order, then the columns of each: what is not shown is not computed.
    Sql pick;
    if (query.where.find_first_not_of(" \t\r\n") != std::string::npos) {
      auto where = compile_where(query.where, names);
      if (!where) return where.error();
      pick = std::move(where).value();
      pick.text = " AND " + pick.text;
    }
    std::string states;
    for (const auto state : query.states)
      states += (states.empty() ? "" : ",") + pick.bind(std::string{to_text(state)});
    if (!states.empty()) pick.text += " AND t.state IN (" + states + ")";
    auto key = names.sql(query.sort, pick);
    if (!key) return key.error();
    const std::string place = "iif(k IS NULL, 2, k='nan')";
    const std::string rest = query.after ? after(*query.after, place, query.descending, experiment, pick) : "";
    const std::string range =
        "t.id BETWEEN " + pick.bind(key_of(experiment, 0)) + " AND " + pick.bind(key_of(experiment, kNumberMask));
    auto picked =
        opened_->db.prepare("SELECT id FROM (SELECT t.id AS id, " + *key + " AS k FROM trials t WHERE " + range +
                            pick.text + " LIMIT -1)" + rest + " ORDER BY " + place + ", k" +
                            (query.descending ? " DESC" : "") + ", id LIMIT " + pick.bind(query.top.value_or(-1)));
    bind_all(picked, pick.values);
    std::vector<std::int64_t> ids;
    while (picked.step()) ids.push_back(picked.integer(0));

    Sql show;
    const std::string id = show.bind(std::int64_t{0});
    for (const auto& name : columns) {
      auto sql = names.sql(name, show);
      if (!sql) return sql.error();
      show.text += (show.text.empty() ? "" : ", ") + *sql;
    }
    auto shown = opened_->db.prepare("SELECT " + show.text + " FROM trials t WHERE t.id=" + id);
    bind_all(shown, show.values);
    head(columns);
    std::vector<Cell> cells(columns.size());
    for (const auto one : ids) {
      for (shown.bind(1, one); shown.step(); row(cells))
        for (std::size_t i = 0; i < cells.size(); ++i) cells[i] = cell(shown, static_cast<int>(i));
    }
    return Done{};
  });
}

Result<Table> StoreReader::trials(std::int64_t experiment, const TrialQuery& query) const {
  Table table;
  auto read = each_trial(
      experiment, query, [&](const auto& columns) { table.columns = columns; },
      [&](auto cells) { table.rows.emplace_back(cells.begin(), cells.end()); });
  if (!read) return read.error();
  return table;
}

Result<std::vector<TrialRow>> StoreReader::rows(std::int64_t experiment) const {
  return opened_->look([&]() -> Result<std::vector<TrialRow>> {
    std::vector<TrialRow> rows;
    auto s = opened_->db.prepare("SELECT " + std::string{kTrialColumns} +
                                 " FROM trials WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
    for (bind_range(s, experiment); s.step();) rows.push_back(trial_row(s));
    return rows;
  });
}

Result<TrialDetail> StoreReader::trial(std::int64_t experiment, TrialId id) const {
  return opened_->look([&]() -> Result<TrialDetail> {
    const auto key = key_of(experiment, id.value);
    auto s = opened_->db.prepare("SELECT " + std::string{kTrialColumns} + ", tags, note, star FROM trials WHERE id=?1");
    if (!s.bind(1, key).step()) return no_trial(id);
    TrialDetail detail;
    detail.row = trial_row(s);
    detail.tags = string_list(s.text(13)), detail.note = s.text(14), detail.star = s.integer(15) != 0;
    s.reset();
    auto params = opened_->db.prepare("SELECT name, value, type FROM params WHERE trial=?1 ORDER BY name");
    for (params.bind(1, key); params.step();) detail.params.set(std::string{params.text(0)}, read_param(params, 1, 2));
    detail.last = last_metrics(opened_->db, key);
    detail.attempts = attempt_rows(opened_->db, key);
    return detail;
  });
}

Result<std::vector<AttemptRow>> StoreReader::attempts(std::int64_t experiment, TrialId id) const {
  return opened_->look(
      [&]() -> Result<std::vector<AttemptRow>> { return attempt_rows(opened_->db, key_of(experiment, id.value)); });
}

Result<std::vector<CurvePoint>> StoreReader::curve(std::int64_t experiment, TrialId id,
                                                   const std::string& metric) const {
  return opened_->look([&]() -> Result<std::vector<CurvePoint>> {
    std::vector<CurvePoint> points;
    auto s = opened_->db.prepare(
        "SELECT attempt, n, step, at, value FROM curves WHERE trial=?1 AND metric=?2 ORDER BY attempt, n");
    for (s.bind(1, key_of(experiment, id.value)).bind(2, std::string_view{metric}); s.step();)
      points.push_back({static_cast<int>(s.integer(0)), s.integer(1), s.integer(2), s.number(3), s.number(4)});
    return points;
  });
}

Result<std::vector<std::string>> StoreReader::metric_names(std::int64_t experiment) const {
  return opened_->look([&]() -> Result<std::vector<std::string>> {
    // The dictionary belongs to the whole store. Only where it holds several experiments are reports looked at.
    auto s = opened_->db.prepare(
        "SELECT DISTINCT name FROM metrics m WHERE (SELECT count(*) FROM experiments) = 1 OR EXISTS(SELECT 1 FROM "
        "reports r "
        "WHERE r.id BETWEEN ?1 AND ?2 AND r.set_id=m.set_id) ORDER BY name");
    std::vector<std::string> names;
    for (bind_range(s, experiment); s.step();) names.emplace_back(s.text(0));
    return names;
  });
}

Result<std::vector<std::string>> StoreReader::param_names(std::int64_t experiment) const {
  return opened_->look(
      [&]() -> Result<std::vector<std::string>> { return sqlite::param_names(opened_->db, experiment); });
}

Result<std::vector<Record>> StoreReader::facts(std::int64_t experiment, TrialId id) const {
  return opened_->look([&]() -> Result<std::vector<Record>> {
    std::vector<Record> records;
    auto s = opened_->db.prepare("SELECT id, at, epoch, kind, body FROM facts WHERE trial=?1 ORDER BY id");
    for (s.bind(1, key_of(experiment, id.value)); s.step();) {
      auto record = record_from_json(s.integer(0) & kNumberMask, {s.number(1)}, s.integer(2), s.text(3), s.text(4));
      if (!record) return record.error();
      records.push_back(std::move(record).value());
    }
    return records;
  });
}

Result<Done> StoreReader::read(std::int64_t experiment, Seq from, const std::function<void(Record&&)>& each) const {
  return opened_->look([&] { return read_journal(opened_->db, experiment, from, each); });
}

Result<Table> StoreReader::view(View view, std::int64_t experiment, std::optional<TrialId> trial) const {
  static constexpr std::array<const char*, 7> names = {"decisions",   "rungs",   "lineage",    "attempts",
                                                       "checkpoints", "workers", "allocations"};
  static constexpr std::array<const char*, 7> orders = {"seq", "seq", "seq", "launched_at, trial", "seq", "worker", "allocation"};
  const auto at = static_cast<std::size_t>(view);
  return opened_->look([&]() -> Result<Table> {
    const bool one = trial && view != View::workers && view != View::allocations;
    auto s = opened_->db.prepare(std::string{"SELECT * FROM "} + names[at] + " WHERE experiment=?1" +
                                 (one ? " AND trial=?2" : "") + " ORDER BY " + orders[at]);
    s.bind(1, experiment);
    if (one) s.bind(2, key_of(experiment, trial->value));
    Table table;
    for (int i = 0; i < s.columns(); ++i) table.columns.emplace_back(sqlite3_column_name(s.raw(), i));
    while (s.step()) {
      auto& cells = table.rows.emplace_back();
      for (int i = 0; i < s.columns(); ++i) cells.push_back(cell(s, i));
    }
    return table;
  });
}

}  // namespace tune
