// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "store/sqlite/database.hpp"
#include "tuner/result.hpp"

namespace tune::sqlite {

inline constexpr std::int64_t kApplicationId = 0x74756e65;  ///< "tune"
inline constexpr std::int64_t kVersion = 1;

/// Tables and views as docs/formats/store.md shows them: a test compares the two word for word.
extern const char* const kTables;
extern const char* const kViews;
/// The same views for one connection only. With trusted_schema=OFF SQLite runs no JSON function for a view that stands
/// in the file, and rightly: anybody may have put it there. A connection of ours that needs views brings its own.
std::string temporary_views();

/// Makes an empty store at `path`, mode 0600. It appears there whole or not at all, and never replaces a file.
void create_store(const std::string& path, const char* vfs);

/// There is a file of that name with something in it. Error: not_found; invalid: it is a folder, say; corrupt: it is empty.
Result<Done> check_file(const std::string& path);

/// The file behind `db` is a store of ours that this program understands. Of a newer one it understands enough to read
/// it: tables and columns are only added.
Result<Done> check_store(const Database& db, const std::string& path, bool read_only = false);

/// Brings an older store to kVersion: each step in one transaction of its own, after a copy to `<path>.v<old>`.
Result<Done> migrate(Database& db, const std::string& path);

}  // namespace tune::sqlite
