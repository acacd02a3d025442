// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/journal.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/facts_json.hpp"
#include "tuner/json.hpp"

namespace tune::sqlite {
namespace {

constexpr std::size_t kColumns = 8;  // m0 to m7
constexpr int kFirstMetric = 9;      // m0's parameter in the INSERT
constexpr int kFirstRead = 12;       // m0's column in the SELECT

// The order of columns is the same in both statements.
constexpr const char* kInsertReport =
    "INSERT INTO reports(id, at, epoch, trial, attempt, n, step, set_id, m0, m1, m2, m3, m4, m5, m6, m7, more, "
    "constraints, "
    "cost, final) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";
// Only the columns that some list of names fills: each one more costs a million reports a twentieth of a second.
std::string select_reports(std::size_t widest) {
  std::string sql = "SELECT id, at, epoch, trial, attempt, n, step, set_id, constraints, cost, final, ";
  sql += widest > kColumns ? "more" : "NULL";
  for (std::size_t i = 0; i < std::min(widest, kColumns); ++i) sql += ", m" + std::to_string(i);
  return sql + " FROM reports WHERE id BETWEEN ?1 AND ?2 ORDER BY id";
}

}  // namespace

void append_numbers(std::string& out, const double* begin, const double* end) {
  JsonWriter json(out);
  json.begin_array();
  for (; begin != end; ++begin) {
    if (std::isinf(*begin))
      json.raw(*begin > 0 ? "9e999" : "-9e999");
    else
      json.value(*begin);
  }
  json.end_array();
}

bool read_numbers(std::string_view text, std::vector<double>& out) {
  JsonReader json(text);
  if (json.next() != JsonReader::Token::array) return false;
  for (auto token = json.next(); token != JsonReader::Token::array_end; token = json.next()) {
    if (token == JsonReader::Token::number)
      out.push_back(json.number());
    else if (token == JsonReader::Token::string && json.text() == "nan")
      out.push_back(std::nan(""));
    else
      return false;
  }
  return true;
}

// --- writing --------------------------------------------------------------------------------------------------------

JournalWriter::JournalWriter(const Database& db, std::int64_t experiment)
    : db_(db),
      experiment_(experiment),
      insert_report_(db.prepare(kInsertReport)),
      insert_fact_(db.prepare("INSERT INTO facts(id, at, epoch, kind, v, trial, body) VALUES(?,?,?,?,1,?,?)")),
      // Tags, note and star are people's, not the fold's: they stay.
      upsert_(db.prepare(
          "INSERT INTO trials(" + std::string{kTrialColumns} +
          ") VALUES(?1,?2,?3,?4,?5,?6,?7,?8,?9,?10,?11,?12,?13) ON CONFLICT(id) DO UPDATE SET state=?2, cause=?3, "
          "attempt=?4, reports=?5, last_step=?6, until_step=?7, proposed_at=?8, launched_at=?9, ended_at=?10, "
          "value=?11, more=?12, feasible=?13")),
      insert_metric_(db.prepare("INSERT INTO metrics(set_id, col, name) VALUES(?,?,?)")),
      next_set_(db.prepare("SELECT coalesce(max(set_id), 0) + 1 FROM metrics")),
      drop_params_(db.prepare("DELETE FROM params WHERE trial=?")),
      insert_param_(db.prepare("INSERT INTO params(trial, name, value, type) VALUES(?,?,?,?)")) {
  forget_uncommitted();
}

void JournalWriter::forget_uncommitted() {
  sets_.clear();
  recent_ = {};
  std::map<std::int64_t, Names> stored;
  auto rows = db_.prepare("SELECT set_id, name FROM metrics ORDER BY set_id, col");
  while (rows.step()) stored[rows.integer(0)].emplace_back(rows.text(1));
  for (auto& [id, names] : stored) sets_.emplace(std::move(names), id);
}

std::int64_t JournalWriter::set_id(const Metrics& metrics) {
  if (metrics.values.empty()) return 0;
  const auto slot = reinterpret_cast<std::uintptr_t>(metrics.names.get()) / alignof(std::max_align_t) % recent_.size();
  auto& recent = recent_[slot];
  if (recent.names == metrics.names) return recent.set_id;
  auto [known, fresh] = sets_.try_emplace(*metrics.names, 0);
  if (fresh) {
    // Another owner's process may have added some; the transaction holds the write lock, so the number is free.
    while (next_set_.step()) known->second = next_set_.integer(0);
    for (std::size_t col = 0; col < known->first.size(); ++col)
      insert_metric_.bind(1, known->second)
          .bind(2, static_cast<std::int64_t>(col))
          .bind(3, known->first[col])
          .execute();
  }
  recent = {metrics.names, known->second};
  return known->second;
}

void JournalWriter::insert(const Record& record) {
  if (const auto* report = record.as<Reported>()) return insert_report(record, *report);
  insert_fact(record);
  project(record);
}

void JournalWriter::insert_report(const Record& record, const Reported& r) {
  const auto& values = r.metrics.values;
  auto& s = insert_report_;
  s.bind(1, key_of(experiment_, record.seq)).bind(2, record.at.seconds).bind(3, record.epoch);
  s.bind(4, key_of(experiment_, r.trial.value))
      .bind(5, r.attempt)
      .bind(6, r.seq)
      .bind(7, r.step)
      .bind(8, set_id(r.metrics));
  for (std::size_t i = 0; i < kColumns; ++i) {
    const int at = kFirstMetric + static_cast<int>(i);
    i < values.size() ? s.bind(at, values[i]) : s.bind(at, std::nullopt);
  }
  more_.clear(), constraints_.clear();
  if (values.size() > kColumns) append_numbers(more_, values.data() + kColumns, values.data() + values.size());
  if (!r.constraints.empty())
    append_numbers(constraints_, r.constraints.data(), r.constraints.data() + r.constraints.size());
  const auto text = [&](int at, const std::string& t) { t.empty() ? s.bind(at, std::nullopt) : s.bind(at, t); };
  text(17, more_), text(18, constraints_);
  s.bind(19, r.cost);
  r.final ? s.bind(20, 1) : s.bind(20, std::nullopt);
  try {
    s.execute();
  } catch (const Failure& f) {
    // The loop drops repeats before they get here, so this is a repeat that it could not know. The first one counts.
    // Its seq must not be missing from the journal, and folding a Warned changes nothing, as folding the repeat would
    // not.
    if (f.code != SQLITE_CONSTRAINT_UNIQUE) throw;
    insert_fact({record.seq, record.at, record.epoch,
                 Observation{Warned{
                     "duplicate-report",
                     std::to_string(r.trial.value) + "/" + std::to_string(r.attempt) + "/" + std::to_string(r.seq),
                     "this report was stored already; the first one counts"}}});
  }
}

void JournalWriter::insert_fact(const Record& record) {
  body_ = body_to_json(record);
  insert_fact_.bind(1, key_of(experiment_, record.seq))
      .bind(2, record.at.seconds)
      .bind(3, record.epoch)
      .bind(4, kind(record));
  const auto trial = trial_of(record);
  trial && trial->value >= 0 ? insert_fact_.bind(5, key_of(experiment_, trial->value))
                             : insert_fact_.bind(5, std::nullopt);
  insert_fact_.bind(6, body_).execute();
}

void JournalWriter::upsert(const TrialRow& t) {
  const auto time = [&](int at, double seconds) {
    seconds == 0 ? upsert_.bind(at, std::nullopt) : upsert_.bind(at, seconds);
  };
  upsert_.bind(1, key_of(experiment_, t.id.value)).bind(2, to_text(t.state));
  // `done` is also what a trial starts with: no cause as long as it is not final.
  t.cause == Cause::done && !is_final(t.state) ? upsert_.bind(3, std::nullopt) : upsert_.bind(3, to_text(t.cause));
  upsert_.bind(4, t.attempt).bind(5, t.reports).bind(6, t.last_step);
  t.until_step == kNoStep ? upsert_.bind(7, std::nullopt) : upsert_.bind(7, t.until_step);
  time(8, t.proposed_at), time(9, t.launched_at), time(10, t.ended_at);
  upsert_.bind(11, t.value);
  more_.clear();
  if (!t.more.empty()) append_numbers(more_, t.more.data(), t.more.data() + t.more.size());
  t.more.empty() ? upsert_.bind(12, std::nullopt) : upsert_.bind(12, more_);
  upsert_.bind(13, t.feasible ? 1 : 0).execute();
}

TrialRow trial_row(const Statement& s) {
  TrialRow t;
  t.id = {s.integer(0) & kNumberMask};
  t.state = trial_state(s.text(1)).value_or(TrialState::queued);
  t.cause = s.is_null(2) ? Cause::done : cause(s.text(2)).value_or(Cause::done);
  t.attempt = static_cast<int>(s.integer(3)), t.reports = s.integer(4), t.last_step = s.integer(5);
  t.until_step = s.is_null(6) ? kNoStep : s.integer(6);
  t.proposed_at = s.number(7), t.launched_at = s.number(8), t.ended_at = s.number(9);
  if (!s.is_null(10)) t.value = s.number(10);
  if (!s.is_null(11)) read_numbers(s.text(11), t.more);
  t.feasible = s.integer(12) != 0;
  return t;
}

Value read_param(const Statement& s, int value, int type) {
  const auto kind = s.text(type);
  if (kind == "bool") return s.integer(value) != 0;
  if (kind == "int") return s.integer(value);
  if (kind == "float") return s.number(value);
  return std::string{s.text(value)};
}

// --- reading --------------------------------------------------------------------------------------------------------

namespace {

class ReportStream {
 public:
  ReportStream(const Database& db, std::int64_t experiment, Seq from) {
    auto names = db.prepare("SELECT set_id, name FROM metrics ORDER BY set_id, col");
    std::map<std::int64_t, std::vector<std::string>> sets;
    while (names.step()) sets[names.integer(0)].emplace_back(names.text(1));
    std::size_t widest = 0;
    for (const auto& [id, list] : sets) widest = std::max(widest, list.size());
    rows_ = db.prepare(select_reports(widest));
    for (auto& [id, list] : sets) sets_[id] = std::make_shared<const std::vector<std::string>>(std::move(list));
    rows_.bind(1, key_of(experiment, from)).bind(2, key_of(experiment, kNumberMask));
    step();
  }
  /// INT64_MAX at the end.
  Seq seq() const { return seq_; }

  Result<Record> take() {
    Record record{seq_, {rows_.number(1)}, rows_.integer(2), Observation{Reported{}}};
    auto& r = std::get<Reported>(std::get<Observation>(record.fact));
    r.trial = {rows_.integer(3) & kNumberMask};
    r.attempt = static_cast<int>(rows_.integer(4)), r.seq = rows_.integer(5), r.step = rows_.integer(6);
    if (!read_metrics(r.metrics)) return damaged(record.seq);
    if (!rows_.is_null(8) && !read_numbers(rows_.text(8), r.constraints)) return damaged(record.seq);
    if (!rows_.is_null(9)) r.cost = rows_.number(9);
    r.final = !rows_.is_null(10) && rows_.integer(10) != 0;
    step();
    return record;
  }

 private:
  bool read_metrics(Metrics& metrics) {
    const auto id = rows_.integer(7);
    if (id == 0) return true;
    if (id != last_set_) {
      const auto set = sets_.find(id);
      if (set == sets_.end()) return false;
      last_set_ = id, last_names_ = set->second;
    }
    metrics.names = last_names_;
    const std::size_t columns = std::min(last_names_->size(), kColumns);
    metrics.values.reserve(last_names_->size());
    for (std::size_t i = 0; i < columns; ++i) metrics.values.push_back(rows_.number(kFirstRead + static_cast<int>(i)));
    if (last_names_->size() > kColumns && !read_numbers(rows_.text(11), metrics.values)) return false;
    return metrics.values.size() == last_names_->size();
  }
  static Error damaged(Seq seq) {
    return {Error::Code::corrupt, "record " + std::to_string(seq) + " (Reported) is damaged", ""};
  }

  void step() { seq_ = rows_.step() ? rows_.integer(0) & kNumberMask : INT64_MAX; }

  Statement rows_;
  Seq seq_ = INT64_MAX;
  std::unordered_map<std::int64_t, std::shared_ptr<const std::vector<std::string>>> sets_;
  std::int64_t last_set_ = 0;
  std::shared_ptr<const std::vector<std::string>> last_names_;
};

class FactStream {
 public:
  FactStream(const Database& db, std::int64_t experiment, Seq from)
      : rows_(db.prepare("SELECT id, at, epoch, kind, body FROM facts WHERE id BETWEEN ?1 AND ?2 ORDER BY id")) {
    rows_.bind(1, key_of(experiment, from)).bind(2, key_of(experiment, kNumberMask));
    step();
  }
  Seq seq() const { return seq_; }
  Result<Record> take() {
    auto record = record_from_json(seq_, {rows_.number(1)}, rows_.integer(2), rows_.text(3), rows_.text(4));
    step();
    return record;
  }

 private:
  void step() { seq_ = rows_.step() ? rows_.integer(0) & kNumberMask : INT64_MAX; }

  Statement rows_;
  Seq seq_ = INT64_MAX;
};

}  // namespace

Result<Done> read_journal(const Database& db, std::int64_t experiment, Seq from,
                          const std::function<void(Record&&)>& each) {
  from = std::max<Seq>(from, 1);
  ReportStream reports(db, experiment, from);
  FactStream facts(db, experiment, from);
  for (Seq expected = from;; ++expected) {
    const Seq seq = std::min(reports.seq(), facts.seq());
    if (seq == INT64_MAX) return Done{};
    if (seq != expected || reports.seq() == facts.seq())
      return Error{Error::Code::corrupt,
                   "the journal is damaged: record " + std::to_string(expected) +
                       (seq > expected ? " is missing" : " is there twice"),
                   ""};
    auto record = seq == reports.seq() ? reports.take() : facts.take();
    if (!record) return record.error();
    each(std::move(record).value());
  }
}

}  // namespace tune::sqlite
