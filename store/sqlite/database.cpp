// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/database.hpp"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <limits>

namespace tune::sqlite {
namespace {

/// What the failed call left behind. SQLite keeps the errno of statements that failed, but not of a COMMIT (3.40):
/// there it still stands where the system put it.
Failure failure_of(sqlite3* db, int code) {
  const int left = errno;
  if (!db) return {code, 0, sqlite3_errstr(code)};
  const int extended = sqlite3_extended_errcode(db);
  if ((extended & 0xff) == (code & 0xff)) code = extended;
  const int primary = code & 0xff;
  const bool of_the_system = primary == SQLITE_IOERR || primary == SQLITE_CANTOPEN || primary == SQLITE_READONLY;
  const int kept = sqlite3_system_errno(db);
  return {code, !of_the_system ? 0 : kept ? kept : left, sqlite3_errmsg(db)};
}

[[noreturn]] void fail(sqlite3* db, int code) { throw failure_of(db, code); }

}  // namespace

bool no_room(const Failure& f) {
  if (f.code == SQLITE_IOERR_FSYNC) return false;
  return (f.code & 0xff) == SQLITE_FULL || f.system_errno == ENOSPC || f.system_errno == EDQUOT ||
         f.system_errno == EFBIG;
}

Error to_error(const Failure& f, const std::string& path) {
  const std::string cause = f.system_errno ? std::string{": "} + std::strerror(f.system_errno) : "";
  if (no_room(f))
    return {Error::Code::io, "no room left to write " + path + cause, "free some space; nothing is lost meanwhile"};
  switch (f.code & 0xff) {
    case SQLITE_NOTADB:
      return {Error::Code::corrupt, path + " is no store: it is not a SQLite database",
              "name another file with --store"};
    case SQLITE_CORRUPT:
      return {Error::Code::corrupt, path + " is damaged: " + f.message, "tune salvage copies what can still be read"};
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return {Error::Code::io, path + " is locked by another program",
              "end the program that writes to it; tune goes on by itself"};
    case SQLITE_READONLY:
    case SQLITE_PERM:
    case SQLITE_AUTH:
      return {Error::Code::io, path + " cannot be written" + cause, "check the permissions of the file and its folder"};
    case SQLITE_CANTOPEN:
      return {Error::Code::io, path + " cannot be opened" + cause, "check that the folder exists and may be written"};
    default:
      return {Error::Code::io, path + ": " + f.message + cause, ""};
  }
}

Statement::Statement(sqlite3* db, std::string_view sql) {
  sqlite3_stmt* s = nullptr;
  if (const int code =
          sqlite3_prepare_v3(db, sql.data(), static_cast<int>(sql.size()), SQLITE_PREPARE_PERSISTENT, &s, nullptr))
    fail(db, code);
  raw_.reset(s);
}

Statement& Statement::check(int code) {
  if (code != SQLITE_OK) fail(sqlite3_db_handle(raw_.get()), code);
  return *this;
}

Statement& Statement::bind(int at, double number) {
  if (std::isnan(number)) return bind(at, std::string_view{"nan"});
  return check(sqlite3_bind_double(raw_.get(), at, number));
}

Statement& Statement::bind(int at, std::string_view text) {
  // A null pointer would bind NULL.
  const char* data = text.data() ? text.data() : "";
  return check(sqlite3_bind_text64(raw_.get(), at, data, text.size(), SQLITE_STATIC, SQLITE_UTF8));
}

bool Statement::step() {
  const int code = sqlite3_step(raw_.get());
  if (code == SQLITE_ROW) return true;
  // Also after the last row: a statement that is not reset holds its read lock, and with it the WAL.
  if (code == SQLITE_DONE) return reset(), false;
  Failure failure = failure_of(sqlite3_db_handle(raw_.get()), code);
  reset();
  throw failure;
}

double Statement::number(int at) const {
  if (type(at) == SQLITE_TEXT) return std::numeric_limits<double>::quiet_NaN();
  return sqlite3_column_double(raw_.get(), at);
}

std::string_view Statement::text(int at) const {
  const auto* data = reinterpret_cast<const char*>(sqlite3_column_text(raw_.get(), at));
  return data ? std::string_view{data, static_cast<std::size_t>(sqlite3_column_bytes(raw_.get(), at))}
              : std::string_view{};
}

Database::Database(const std::string& path, int flags, const char* vfs) {
  // SQLite's books of its own memory take a lock at each allocation, and nobody reads them. Refused once SQLite is in use,
  // by a program that we are linked into: then they stay.
  [[maybe_unused]] static const int settled = sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
  sqlite3* db = nullptr;
  const int code = sqlite3_open_v2(path.c_str(), &db, flags | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE, vfs);
  raw_.reset(db);
  if (code != SQLITE_OK) fail(db, code);
}

void Database::execute(const std::string& sql) const {
  if (const int code = sqlite3_exec(raw_.get(), sql.c_str(), nullptr, nullptr, nullptr)) fail(raw_.get(), code);
}

std::int64_t Database::integer(std::string_view sql) const {
  auto s = prepare(sql);
  return s.step() ? s.integer(0) : 0;
}

std::string Database::text(std::string_view sql) const {
  auto s = prepare(sql);
  return s.step() ? std::string{s.text(0)} : std::string{};
}

}  // namespace tune::sqlite
