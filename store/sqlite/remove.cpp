// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/remove.hpp"

#include <filesystem>

#include "store/sqlite/database.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/reader.hpp"

namespace tune {

using namespace sqlite;

Result<Done> remove_experiment(const std::string& path, const std::string& name) {
  auto reader = StoreReader::open(path);
  if (!reader) return reader.error();
  const auto row = (*reader)->experiment(name);
  if (!row) return row.error();
  reader->reset();

  const auto folder = make_folder(path, name);
  if (!folder) return folder.error();
  auto lock = OwnerLock::take(*folder);
  if (!lock) return lock.error();
  try {
    const Database db(path, SQLITE_OPEN_READWRITE);
    db.execute("PRAGMA busy_timeout = 5000; PRAGMA synchronous = FULL");
    Transaction all(db);
    const auto from = key_of(row->id, 0), to = key_of(row->id + 1, 0);
    for (const char* sql :
         {"DELETE FROM params WHERE trial >= ?1 AND trial < ?2", "DELETE FROM trials WHERE id >= ?1 AND id < ?2",
          "DELETE FROM reports WHERE id >= ?1 AND id < ?2", "DELETE FROM facts WHERE id >= ?1 AND id < ?2"})
      db.prepare(sql).bind(1, from).bind(2, to).execute();
    db.prepare("DELETE FROM owner WHERE experiment = ?1").bind(1, row->id).execute();
    db.prepare("DELETE FROM experiments WHERE id = ?1").bind(1, row->id).execute();
    all.commit();
  } catch (const Failure& failure) {
    return to_error(failure, path);
  }
  // Rows first: a folder without an experiment is rubbish, an experiment without its folder would look damaged.
  std::error_code failed;
  std::filesystem::remove_all(*folder, failed);
  return Done{};
}

}  // namespace tune
