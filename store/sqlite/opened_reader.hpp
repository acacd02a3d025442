// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "store/sqlite/database.hpp"
#include "store/sqlite/reader.hpp"

namespace tune {

/// What a StoreReader has open; shared by the files that implement it.
struct StoreReader::Opened {
  std::string path;
  sqlite::Database db;

  /// Calls `body` on one committed state; what SQLite throws becomes an Error.
  template <class F>
  auto look(F body) const -> decltype(body()) {
    try {
      db.execute("BEGIN");
      auto result = body();
      db.execute("COMMIT");
      return result;
    } catch (const sqlite::Failure& failure) {
      if (db.in_transaction()) sqlite3_exec(db.raw(), "ROLLBACK", nullptr, nullptr, nullptr);
      return sqlite::to_error(failure, path);
    }
  }
};

namespace sqlite {

/// Binds an experiment's keys to ?1 and ?2.
inline Statement& bind_range(Statement& s, std::int64_t experiment, std::int64_t from = 0) {
  return s.bind(1, key_of(experiment, from)).bind(2, key_of(experiment, kNumberMask));
}

}  // namespace sqlite

inline Error no_experiment() { return {Error::Code::not_found, "the store has no such experiment any more", ""}; }

}  // namespace tune
