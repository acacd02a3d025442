// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/fsck.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "store/sqlite/database.hpp"
#include "store/sqlite/journal.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/schema.hpp"

namespace tune {

using namespace sqlite;

namespace {

constexpr std::size_t kMostFindings = 1000;

/// Thrown when there are enough findings.
struct Enough {};

/// Follows the journal and holds it to the rules. Keeps of each trial what the next record about it is judged by.
class Follower {
 public:
  Follower(FsckReport& report, const FsckOptions& options) : report_(report), options_(options) {
    for (const auto& e : options.ledger) ledger_[{e.trial.value, e.attempt, e.n}].push_back(e.value);
  }

  void follow(const Record& record) {
    ++report_.records;
    if (record.at < at_) find("journal", record, "is earlier than the record before it");
    if (record.epoch < epoch_) find("journal", record, "was written in an older epoch than the record before it");
    at_ = record.at, epoch_ = record.epoch;
    if (const auto* o = record.observation())
      std::visit([&](const auto& fact) { see(record, fact); }, *o);
    else
      std::visit([&](const auto& fact) { see(record, fact); }, record.decided()->what);
  }

  void end() {
    for (const auto& [key, values] : ledger_)
      find("ledger", "report " + std::to_string(std::get<2>(key)) + " of trial " + std::to_string(std::get<0>(key)) +
                         "." + std::to_string(std::get<1>(key)) + " was acknowledged and is not stored" +
                         (seen_.contains(key) ? " with that value" : ""));
    if (options_.budget && static_cast<std::int64_t>(trials_.size()) > *options_.budget)
      find("budget", std::to_string(trials_.size()) + " trials were created, " + std::to_string(*options_.budget) +
                         " were allowed");
    report_.trials = static_cast<std::int64_t>(trials_.size());
  }

  void find(std::string invariant, std::string text) {
    report_.findings.push_back({std::move(invariant), std::move(text)});
    if (report_.findings.size() >= kMostFindings) throw Enough{};
  }
  const Params& params(std::size_t trial) const { return trials_[trial].params; }
  std::size_t trials() const { return trials_.size(); }
  bool finished_normally(std::size_t trial) const { return trials_[trial].settled; }

 private:
  struct Trial {
    int attempt = 0;           ///< Newest launched.
    bool exited = false;       ///< That one has ended.
    int copies = 0;            ///< Newest number that a copy of an attempt got.
    bool settled = false;
    Params params;
  };
  using ReportKey = std::tuple<std::int64_t, int, std::int64_t>;

  void find(std::string invariant, const Record& record, const std::string& what) {
    find(std::move(invariant), "record " + std::to_string(record.seq) + " (" + std::string{kind(record)} + ") " + what);
  }
  Trial* trial(const Record& record, TrialId id) {
    if (id.value >= 0 && id.value < static_cast<std::int64_t>(trials_.size()))
      return &trials_[static_cast<std::size_t>(id.value)];
    find("trial", record, "is about trial " + std::to_string(id.value) + ", which was never proposed");
    return nullptr;
  }
  /// The trial, if it has such an attempt.
  Trial* attempt(const Record& record, TrialId id, int number) {
    Trial* t = trial(record, id);
    if (t && (number < 1 || number > t->attempt)) {
      find("trial", record,
           "is about attempt " + std::to_string(number) + " of trial " + std::to_string(id.value) +
               ", which was never launched");
      return nullptr;
    }
    return t;
  }

  void see(const Record&, const auto&) {}
  void see(const Record& record, const Propose& p) {
    if (p.trial.value != static_cast<std::int64_t>(trials_.size()))
      return find(
          "trial", record,
          "proposes trial " + std::to_string(p.trial.value) + ", the next is " + std::to_string(trials_.size()));
    trials_.emplace_back().params = p.params;
  }
  void see(const Record& record, const Launch& l) {
    Trial* t = trial(record, l.trial);
    if (!t) return;
    if (l.attempt != std::max(t->attempt, t->copies) + 1 && !(l.speculative && l.attempt == t->copies))
      find("trial", record, "launches attempt " + std::to_string(l.attempt) + " after " + std::to_string(t->attempt));
    if (t->settled) find("trial", record, "launches a trial that is final");
    if (l.params) t->params = *l.params;
    t->attempt = l.attempt, t->exited = false;
    if (l.from) checkpoint(record, *l.from);
  }
  void see(const Record& record, const Speculate& s) {
    if (Trial* t = trial(record, s.trial)) t->copies = s.attempt;  // A number that the next launch passes over, or takes.
  }
  void see(const Record& record, const Started& s) {
    if (Trial* t = attempt(record, s.trial, s.attempt); t && s.attempt == t->attempt) t->exited = false;  // Or revived.
  }
  void see(const Record& record, const Exited& e) {
    Trial* t = attempt(record, e.trial, e.attempt);
    if (!t || e.attempt != t->attempt) return;
    if (t->exited) find("trial", record, "ends an attempt that had ended");
    t->exited = true;
  }
  void see(const Record& record, const Reported& r) {
    const ReportKey key{r.trial.value, r.attempt, r.seq};
    Trial* t = attempt(record, r.trial, r.attempt);
    if (t && r.attempt < t->attempt)
      find("report", record, "is of an attempt that a newer one had replaced");
    // (trial, attempt, n) is unique by an index that the check of the file has verified.
    const auto wanted = ledger_.find(key);
    if (wanted == ledger_.end()) return;
    seen_.insert(key);
    const auto reported = [&](double value) {
      return std::any_of(r.metrics.values.begin(), r.metrics.values.end(),
                         [&](double v) { return v == value || (std::isnan(v) && std::isnan(value)); });
    };
    std::erase_if(wanted->second, reported);
    if (wanted->second.empty()) ledger_.erase(wanted);
  }
  void see(const Record& record, const Checkpointed& c) {
    attempt(record, c.trial, c.attempt);
    saved_[c.checkpoint] = true;
  }
  void see(const Record&, const CheckpointLost& c) { saved_[c.checkpoint] = false; }
  void see(const Record&, const Collected& c) {
    for (const auto& one : c.checkpoints) saved_[one] = false;
  }
  void see(const Record& record, const Exploit& e) {
    if (Trial* t = trial(record, e.trial)) t->params = e.params;
    trial(record, e.donor);
    checkpoint(record, e.checkpoint);
  }
  void see(const Record& record, const Update& u) {
    if (Trial* t = trial(record, u.trial)) t->params = u.params;
    if (u.checkpoint) checkpoint(record, *u.checkpoint);
  }
  void see(const Record& record, const Retry& r) {
    if (Trial* t = trial(record, r.trial)) t->settled = false;
    if (r.from) checkpoint(record, *r.from);
  }
  void see(const Record& record, const Settle& s) {
    Trial* t = trial(record, s.trial);
    if (!is_final(s.state)) find("trial", record, "settles a trial as " + std::string{to_text(s.state)});
    if (t && t->settled) find("trial", record, "settles a trial that is final");
    if (t) t->settled = true;
  }

  void checkpoint(const Record& record, const std::string& name) {
    if (name.empty()) return;
    const auto known = saved_.find(name);
    if (known == saved_.end())
      find("checkpoint", record, "names the checkpoint " + printable(name) + ", which was never saved");
    else if (!known->second)
      find("checkpoint", record, "names the checkpoint " + printable(name) + ", which is gone");
  }

  FsckReport& report_;
  const FsckOptions& options_;
  Time at_{-1e300};
  std::int64_t epoch_ = 0;
  std::vector<Trial> trials_;
  std::unordered_map<std::string, bool> saved_;  ///< Checkpoints: still there.
  std::map<ReportKey, std::vector<double>> ledger_;
  std::set<ReportKey> seen_;
};

std::string value_text(const Value& v) { return to_text(v); }

void check_file(const Database& db, Follower& follower) {
  auto check = db.prepare("PRAGMA integrity_check(20)");
  while (check.step())
    if (check.text(0) != "ok") follower.find("file", std::string{check.text(0)});
}

void check_length(const Database& db, std::int64_t experiment, const std::string& folder, Follower& follower,
                  std::int64_t records) {
  auto owner = db.prepare("SELECT last_seq FROM owner WHERE experiment=?1");
  if (!owner.bind(1, experiment).step()) return follower.find("journal", "the experiment has no owner's row");
  const auto known = owner.integer(0);
  if (known != records)
    follower.find("journal", "the owner's row knows " + std::to_string(known) + " records, " + std::to_string(records) +
                                 " are there");
  if (const auto head = HeadFile::open_existing(folder).read(); head > known)
    follower.find("journal",
                  std::to_string(head) + " records were acknowledged, " + std::to_string(known) + " are there");
}

/// `?1` and `?2` of a statement: the experiment's range of trials.
Statement& bind_range(Statement& s, std::int64_t experiment) {
  return s.bind(1, key_of(experiment, 0)).bind(2, key_of(experiment, kNumberMask));
}

void check_params(const Database& db, std::int64_t experiment, Follower& follower) {
  auto rows =
      db.prepare("SELECT trial, name, value, type FROM params WHERE trial BETWEEN ?1 AND ?2 ORDER BY trial, name");
  std::map<std::size_t, std::size_t> counts;
  for (bind_range(rows, experiment); rows.step();) {
    const auto number = static_cast<std::size_t>(rows.integer(0) & kNumberMask);
    const std::string name{rows.text(1)};
    const Value* value = number < follower.trials() ? follower.params(number).find(name) : nullptr;
    ++counts[number];
    const Value stored = read_param(rows, 2, 3);
    if (!value || (*value != stored && value_text(*value) != value_text(stored)))
      follower.find("projection", "parameter " + printable(name) + " of trial " + std::to_string(number) + " is " +
                                      printable(value_text(stored)) + ", the facts say " +
                                      (value ? printable(value_text(*value)) : "nothing"));
  }
  for (std::size_t t = 0; t < follower.trials(); ++t)
    if (counts[t] != follower.params(t).size())
      follower.find("projection", "trial " + std::to_string(t) + " lacks parameters");
}

void check_rows(const Database& db, std::int64_t experiment, std::span<const TrialRow> expected, Follower& follower) {
  auto rows =
      db.prepare("SELECT " + std::string{kTrialColumns} + " FROM trials WHERE id BETWEEN ?1 AND ?2 ORDER BY id");
  std::size_t next = 0;
  for (bind_range(rows, experiment); rows.step(); ++next) {
    const auto stored = trial_row(rows);
    const std::string name = "trial " + std::to_string(stored.id.value);
    if (next >= expected.size() || stored.id != expected[next].id)
      return follower.find("projection", name + " is not what the fold has there");
    if (!(stored == expected[next]))
      follower.find("projection", name + " is stored as " + std::string{to_text(stored.state)} + " with " +
                                      std::to_string(stored.reports) + " reports; the fold has it as " +
                                      std::string{to_text(expected[next].state)} + " with " +
                                      std::to_string(expected[next].reports));
  }
  if (next != expected.size())
    follower.find("projection", std::to_string(expected.size() - next) + " trials have no row");
}

void check_states(const Database& db, std::int64_t experiment, bool complete, Follower& follower) {
  auto state = db.prepare("SELECT state FROM experiments WHERE id=?1");
  const bool finished = state.bind(1, experiment).step() && state.text(0) == "finished";
  if (complete && !finished) follower.find("complete", "the experiment is " + std::string{state.text(0)});
  state.reset();
  auto counts = db.prepare("SELECT state, count(*) FROM trials WHERE id BETWEEN ?1 AND ?2 GROUP BY state");
  for (bind_range(counts, experiment); counts.step();) {
    const auto s = trial_state(counts.text(0));
    const std::string text = std::to_string(counts.integer(1)) + " trials are " + printable(counts.text(0));
    if (!s)
      follower.find("projection", text);
    else if (complete && !is_final(*s))
      follower.find("complete", text);
    else if (finished && (*s == TrialState::leased || *s == TrialState::running))
      follower.find("budget", text + " in a finished experiment");
  }
}

Result<std::int64_t> experiment_of(Database& db, const std::string& store, const std::string& name) {
  auto find = db.prepare("SELECT id FROM experiments WHERE name=?1");
  if (!find.bind(1, std::string_view{name}).step())
    return Error{Error::Code::not_found, store + " has no experiment " + printable(name), "tune ls shows those it has"};
  return find.integer(0);
}

}  // namespace

Result<std::vector<LedgerEntry>> read_ledger(std::string_view text) {
  std::vector<LedgerEntry> entries;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.empty() || line[0] == '#') continue;
    LedgerEntry e;
    const char* at = line.data();
    const char* const end = at + line.size();
    const auto read = [&](auto& out) {
      while (at != end && (*at == ' ' || *at == '\t')) ++at;
      const auto [next, code] = std::from_chars(at, end, out);
      at = next;
      return code == std::errc{};
    };
    if (!read(e.trial.value) || !read(e.attempt) || !read(e.n) || !read(e.value) || at != end)
      return Error{Error::Code::invalid, "ledger line " + std::to_string(number) + ": expected `trial attempt n value`",
                   ""};
    entries.push_back(e);
  }
  return entries;
}

Result<FsckReport> fsck(const std::string& path, const std::string& name, const FsckOptions& options) {
  std::error_code error;
  const std::string whole = std::filesystem::weakly_canonical(path, error).string();
  if (!std::filesystem::exists(whole, error))
    return Error{Error::Code::not_found, "there is no store " + path, "name another file with --store"};
  FsckReport report;
  Follower follower(report, options);
  try {
    Database db(whole, SQLITE_OPEN_READONLY);
    sqlite3_busy_timeout(db.raw(), 5000);
    if (auto ours = check_store(db, whole); !ours) return ours.error();
    db.execute("PRAGMA trusted_schema=OFF; BEGIN");
    const auto found = experiment_of(db, whole, name);
    if (!found) return found.error();
    const auto experiment = *found;
    try {
      check_file(db, follower);
      if (auto read = read_journal(db, experiment, 1, [&](Record&& r) { follower.follow(r); }); !read)
        follower.find("journal", read.error().message);
      follower.end();
      check_length(db, experiment, folder_of(whole, name), follower, report.records);
      check_params(db, experiment, follower);
      check_states(db, experiment, options.complete, follower);
      if (options.expected) check_rows(db, experiment, *options.expected, follower);
    } catch (const Enough&) {
    } catch (const Failure& failure) {
      report.findings.push_back({"file", failure.message});
    }
  } catch (const Failure& failure) {
    return to_error(failure, whole);
  }
  return report;
}

Result<Done> rebuild_projections(const std::string& path, const std::string& name, std::span<const TrialRow> rows,
                                 std::optional<TrialId> best) {
  std::error_code error;
  const std::string whole = std::filesystem::weakly_canonical(path, error).string();
  if (!std::filesystem::exists(whole, error))
    return Error{Error::Code::not_found, "there is no store " + path, "name another file with --store"};
  auto folder = make_folder(whole, name);
  if (!folder) return folder.error();
  auto lock = OwnerLock::take(*folder);
  if (!lock) return lock.error();
  try {
    Database db(whole, SQLITE_OPEN_READWRITE);
    sqlite3_busy_timeout(db.raw(), 5000);
    if (auto ours = check_store(db, whole); !ours) return ours;
    db.execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF");
    Transaction transaction(db);
    const auto found = experiment_of(db, whole, name);
    if (!found) return found.error();
    const auto experiment = *found;
    for (const char* sql :
         {"DELETE FROM trials WHERE id BETWEEN ?1 AND ?2", "DELETE FROM params WHERE trial BETWEEN ?1 AND ?2"}) {
      auto drop = db.prepare(sql);
      bind_range(drop, experiment).execute();
    }
    db.prepare(
          "UPDATE experiments SET state='new', why=NULL, exit_code=NULL, best_trial=NULL, best_value=NULL, tags='[]', "
          "note=NULL, "
          "star=0, archived=0 WHERE id=?1")
        .bind(1, experiment)
        .execute();
    JournalWriter writer(db, experiment);
    if (auto read = read_journal(db, experiment, 1, [&](Record&& r) { writer.project(r); }); !read) return read;
    for (const auto& row : rows) writer.upsert(row);
    if (best) writer.best(*best);
    writer.settle();
    transaction.commit();
  } catch (const Failure& failure) {
    return to_error(failure, whole);
  }
  return Done{};
}

}  // namespace tune
