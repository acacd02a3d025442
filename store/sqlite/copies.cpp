// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/copies.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>

#include "store/sqlite/database.hpp"
#include "store/sqlite/schema.hpp"

namespace tune {

using namespace sqlite;
namespace fs = std::filesystem;

namespace {

Result<Done> check_paths(const std::string& path, const std::string& out) {
  std::error_code error;
  if (!fs::exists(path, error))
    return Error{Error::Code::not_found, "there is no store " + path, "name another file with --store"};
  if (fs::exists(out, error)) return Error{Error::Code::conflict, out + " exists already", "name a file that does not"};
  return Done{};
}

/// Copies one table by its rowid. Where pages cannot be read it looks, in ever longer steps, for the next row that can
/// be, and from there backwards to the damage.
class TableCopy {
 public:
  TableCopy(const Database& from, const Database& to, const std::string& table, const std::string& columns, int count)
      : from_(from),
        to_(to),
        up_(from.prepare("SELECT " + columns + " FROM " + table + " WHERE rowid > ?1 ORDER BY rowid")),
        down_(from.prepare("SELECT " + columns + " FROM " + table +
                           " WHERE rowid > ?1 AND rowid < ?2 ORDER BY rowid DESC")),
        insert_(to.prepare("INSERT OR IGNORE INTO " + table + "(" + columns + ") VALUES(" + placeholders(count) + ")")),
        count_(count) {}

  std::int64_t run() {
    std::int64_t last = -1;
    while (!read_up(last)) {
      const auto found = next_readable(last);
      if (!found) break;
      read_down(last, *found);
      last = *found - 1;
    }
    return copied_;
  }

 private:
  static std::string placeholders(int count) {
    std::string text = "?";
    for (int i = 1; i < count; ++i) text += ",?";
    return text;
  }
  void put(const Statement& row) {
    for (int i = 0; i < count_; ++i)
      if (const int code = sqlite3_bind_value(insert_.raw(), i + 1, sqlite3_column_value(row.raw(), i)))
        throw Failure{code, 0, "cannot copy"};
    insert_.execute();
    copied_ += to_.changes();
  }
  /// True at the end of the table, false at damage; `last` is the last row read.
  bool read_up(std::int64_t& last) {
    try {
      for (up_.bind(1, last); up_.step();) put(up_), last = up_.integer(0);
      return true;
    } catch (const Failure& failure) {
      if (!damage(failure)) throw;
      return false;
    }
  }
  std::optional<std::int64_t> next_readable(std::int64_t last) {
    for (std::int64_t step = 1; step < kNumberMask << 8 && last < INT64_MAX - step; step *= 2) try {
        up_.bind(1, last + step);
        const bool any = up_.step();
        const auto id = any ? up_.integer(0) : 0;
        up_.reset();
        if (!any) return std::nullopt;
        return id;
      } catch (const Failure& failure) {
        if (!damage(failure)) throw;
      }
    return std::nullopt;
  }
  void read_down(std::int64_t after, std::int64_t before) {
    try {
      for (down_.bind(1, after).bind(2, before); down_.step();) put(down_);
    } catch (const Failure& failure) {
      if (!damage(failure)) throw;
    }
  }
  /// The source's fault, not the copy's (a full disk).
  bool damage(const Failure& failure) const {
    const int code = failure.code & 0xff;
    return (code == SQLITE_CORRUPT || code == SQLITE_IOERR) && sqlite3_errcode(from_.raw()) != SQLITE_OK;
  }

  const Database& from_;
  const Database& to_;
  Statement up_, down_, insert_;
  const int count_;
  std::int64_t copied_ = 0;
};

struct TableShape {
  const char* name;
  const char* columns;  // the first is the rowid, where there is one
  int count;
};
constexpr TableShape kExperiments = {
    "experiments",
    "id, name, created, config, space_hash, state, why, exit_code, best_trial, best_value, tags, note, star, archived",
    14};
constexpr TableShape kFacts = {"facts", "id, at, epoch, kind, v, trial, body", 7};
constexpr TableShape kReports = {
    "reports",
    "id, trial, attempt, n, step, at, epoch, set_id, m0, m1, m2, m3, m4, m5, m6, m7, more, constraints, cost, final",
    20};
constexpr TableShape kTrials = {"trials",
                                "id, state, cause, attempt, reports, last_step, until_step, proposed_at, launched_at, "
                                "ended_at, value, more, feasible, tags, note, star",
                                16};

std::int64_t copy(const Database& from, const Database& to, const TableShape& table) {
  try {
    return TableCopy(from, to, table.name, table.columns, table.count).run();
  } catch (const Failure& failure) {
    if ((failure.code & 0xff) != SQLITE_CORRUPT && (failure.code & 0xff) != SQLITE_ERROR) throw;
    return 0;  // Not even the table's first page, or the schema's row of it.
  }
}

/// Tables without a rowid: forwards to the first damage, then backwards to it.
void copy_keyed(const Database& from, const Database& to, const std::string& table, const std::string& columns,
                const std::string& key) {
  for (const char* direction : {"ASC", "DESC"}) try {
      std::string order;
      for (std::size_t at = 0; at < key.size();) {
        const auto comma = std::min(key.find(',', at), key.size());
        order += (order.empty() ? "" : ", ") + key.substr(at, comma - at) + " " + direction;
        at = comma + 1;
      }
      auto rows = from.prepare("SELECT " + columns + " FROM " + table + " ORDER BY " + order);
      std::string places = "?";
      for (int i = 1; i < rows.columns(); ++i) places += ",?";
      auto insert = to.prepare("INSERT OR IGNORE INTO " + table + "(" + columns + ") VALUES(" + places + ")");
      while (rows.step()) {
        for (int i = 0; i < rows.columns(); ++i)
          sqlite3_bind_value(insert.raw(), i + 1, sqlite3_column_value(rows.raw(), i));
        insert.execute();
      }
      return;
    } catch (const Failure& failure) {
      if ((failure.code & 0xff) != SQLITE_CORRUPT && (failure.code & 0xff) != SQLITE_ERROR) throw;
    }
}

/// Makes an owner's row that fits the journal of one experiment, and cuts that where wanted.
void finish_experiment(const Database& to, std::int64_t experiment, const SalvageOptions& options,
                       SalvageReport& report) {
  auto ids = to.prepare(
      "SELECT id FROM (SELECT id FROM facts WHERE id BETWEEN ?1 AND ?2 UNION ALL SELECT id FROM reports WHERE id "
      "BETWEEN ?1 AND ?2) ORDER BY id");
  std::int64_t last = 0, whole = 0, missing = 0, beyond = 0;
  for (ids.bind(1, key_of(experiment, 0)).bind(2, key_of(experiment, kNumberMask)); ids.step();) {
    const auto seq = ids.integer(0) & kNumberMask;
    missing += seq - last - 1;
    if (missing == 0)
      whole = seq;
    else
      ++beyond;
    last = seq;
  }
  report.missing += missing;
  if (options.resumable && beyond > 0) {
    for (const char* table : {"facts", "reports"})
      to.prepare(std::string{"DELETE FROM "} + table + " WHERE id BETWEEN ?1 AND ?2")
          .bind(1, key_of(experiment, whole + 1))
          .bind(2, key_of(experiment, kNumberMask))
          .execute();
    report.cut += beyond, last = whole;
  }
  to.prepare(
        "INSERT INTO owner(experiment, epoch, last_seq) SELECT ?1, 1 + coalesce(max(epoch), 0), ?2 FROM facts WHERE id "
        "BETWEEN ?3 AND ?4")
      .bind(1, experiment)
      .bind(2, last)
      .bind(3, key_of(experiment, 0))
      .bind(4, key_of(experiment, kNumberMask))
      .execute();
}

}  // namespace

Result<Done> backup(const std::string& path, const std::string& out) {
  if (auto fine = check_paths(path, out); !fine) return fine;
  const std::string made = out + ".new-" + std::to_string(::getpid());
  try {
    Database from(path, SQLITE_OPEN_READONLY);
    sqlite3_busy_timeout(from.raw(), 5000);
    if (auto ours = check_store(from, path); !ours) return ours;
    const int fd = ::open(made.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) throw Failure{SQLITE_CANTOPEN, errno, "cannot create"};
    ::close(fd);
    int code = SQLITE_OK, system = 0;
    {
      Database to(made, SQLITE_OPEN_READWRITE);
      // In one step: between two the owner would commit, and the copy would begin again for ever.
      sqlite3_backup* b = sqlite3_backup_init(to.raw(), "main", from.raw(), "main");
      if (b)
        sqlite3_backup_step(b, -1), code = sqlite3_backup_finish(b);
      else
        code = sqlite3_extended_errcode(to.raw());
      system = sqlite3_system_errno(to.raw());
    }
    if (code == SQLITE_OK && ::link(made.c_str(), out.c_str()) != 0) code = SQLITE_CANTOPEN, system = errno;
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((made + suffix).c_str());
    if (code != SQLITE_OK) return to_error(Failure{code, system, sqlite3_errstr(code)}, out);
  } catch (const Failure& failure) {
    return to_error(failure, path);
  }
  return Done{};
}

Result<SalvageReport> salvage(const std::string& path, const std::string& out, SalvageOptions options) {
  if (auto fine = check_paths(path, out); !fine) return fine.error();
  SalvageReport report;
  try {
    Database from(path, SQLITE_OPEN_READONLY);
    sqlite3_busy_timeout(from.raw(), 5000);
    // Damaged cells are found when they are read, before their bytes are believed.
    from.execute("PRAGMA cell_size_check=ON; PRAGMA trusted_schema=OFF; BEGIN");
    from.integer("SELECT count(*) FROM sqlite_schema");
    create_store(out, nullptr);
    Database to(out, SQLITE_OPEN_READWRITE);
    to.execute("PRAGMA synchronous=FULL; PRAGMA foreign_keys=OFF");
    Transaction transaction(to);
    copy(from, to, kExperiments);
    report.facts = copy(from, to, kFacts);
    report.reports = copy(from, to, kReports);
    report.trials = copy(from, to, kTrials);
    copy_keyed(from, to, "metrics", "set_id, col, name", "set_id,col");
    copy_keyed(from, to, "params", "trial, name, value, type", "trial,name");
    // An experiment whose row is gone gets a name to be called by.
    to.execute(
        "INSERT OR IGNORE INTO experiments(id, name, created, state) SELECT DISTINCT id >> 40, 'salvaged-' || (id >> "
        "40), 0, 'new' FROM facts");
    std::vector<std::int64_t> experiments;
    auto all = to.prepare("SELECT id FROM experiments ORDER BY id");
    while (all.step()) experiments.push_back(all.integer(0));
    for (const auto experiment : experiments) finish_experiment(to, experiment, options, report);
    transaction.commit();
    to.execute("PRAGMA wal_checkpoint(TRUNCATE)");
  } catch (const Failure& failure) {
    return to_error(failure, path);
  }
  return report;
}

}  // namespace tune
