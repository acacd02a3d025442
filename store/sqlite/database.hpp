// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sqlite3.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "tuner/result.hpp"

/// SQLite's C interface with owners: a connection and prepared statements. Only files of store/sqlite include this.
namespace tune::sqlite {

/// A call of SQLite failed. Thrown by the two classes below and caught by every public function of store/sqlite, which
/// turns it into an Error: it never leaves this folder.
struct Failure {
  int code;          ///< Extended result code.
  int system_errno;  ///< Of the failed system call, or 0.
  std::string message;
};

/// The disk is full, a quota or a limit is used up: trying again later may work, and nothing was harmed.
bool no_room(const Failure&);

/// The user's view of a failure at `path`: full disk, damage, a lock, no permission.
Error to_error(const Failure&, const std::string& path);

/// A prepared statement. Values are bound from 1, columns read from 0. Text bound is not copied: it must live until the
/// next reset. Belongs to one thread, dies before its Database.
class Statement {
 public:
  Statement() = default;
  Statement(sqlite3* db, std::string_view sql);

  Statement& bind(int at, std::int64_t number) { return check(sqlite3_bind_int64(raw_.get(), at, number)); }
  Statement& bind(int at, int number) { return bind(at, static_cast<std::int64_t>(number)); }
  /// NaN becomes the text 'nan': SQLite would make it NULL.
  Statement& bind(int at, double number);
  Statement& bind(int at, std::string_view text);
  Statement& bind(int at, std::nullopt_t) { return check(sqlite3_bind_null(raw_.get(), at)); }
  template <class T>
  Statement& bind(int at, const std::optional<T>& some) {
    return some ? bind(at, *some) : bind(at, std::nullopt);
  }

  /// True while there is a row. After the last row, and before a Failure is thrown, the statement is reset.
  bool step();
  /// For statements without rows.
  void execute() {
    while (step()) {}
  }
  void reset() { sqlite3_reset(raw_.get()); }
  sqlite3_stmt* raw() const { return raw_.get(); }

  int columns() const { return sqlite3_column_count(raw_.get()); }
  bool is_null(int at) const { return sqlite3_column_type(raw_.get(), at) == SQLITE_NULL; }
  int type(int at) const { return sqlite3_column_type(raw_.get(), at); }
  std::int64_t integer(int at) const { return sqlite3_column_int64(raw_.get(), at); }
  /// The text 'nan' is NaN.
  double number(int at) const;
  /// Valid until the next step or reset.
  std::string_view text(int at) const;

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* s) const { sqlite3_finalize(s); }
  };
  Statement& check(int code);
  std::unique_ptr<sqlite3_stmt, Finalize> raw_;
};

/// A connection. Belongs to one thread at a time.
class Database {
 public:
  Database() = default;
  /// `flags` are SQLITE_OPEN_*; `vfs` names another file layer, for tests.
  Database(const std::string& path, int flags, const char* vfs = nullptr);

  sqlite3* raw() const { return raw_.get(); }
  Statement prepare(std::string_view sql) const { return Statement(raw_.get(), sql); }
  /// Any number of statements without parameters.
  void execute(const std::string& sql) const;
  std::int64_t integer(std::string_view sql) const;  ///< First column of the first row.
  std::string text(std::string_view sql) const;
  int changes() const { return sqlite3_changes(raw_.get()); }
  bool in_transaction() const { return raw_ && sqlite3_get_autocommit(raw_.get()) == 0; }

 private:
  struct Close {
    void operator()(sqlite3* db) const { sqlite3_close_v2(db); }
  };
  std::unique_ptr<sqlite3, Close> raw_;
};

/// Undone when it goes out of scope without commit().
class Transaction {
 public:
  explicit Transaction(const Database& db) : db_(db) { db_.execute("BEGIN IMMEDIATE"); }
  ~Transaction() {
    if (db_.in_transaction()) sqlite3_exec(db_.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
  }
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  void commit() { db_.execute("COMMIT"); }

 private:
  const Database& db_;
};

/// Keys: an experiment's number above, a seq or a trial's number in the lower 40 bits.
inline constexpr int kNumberBits = 40;
inline constexpr std::int64_t kNumberMask = (std::int64_t{1} << kNumberBits) - 1;
inline std::int64_t key_of(std::int64_t experiment, std::int64_t number) { return experiment << kNumberBits | number; }

}  // namespace tune::sqlite
