// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>

#include "store/sqlite/schema.hpp"

namespace tune::sqlite {
namespace {

/// `from` is the user_version that `sql` brings to `from + 1`.
struct Step {
  std::int64_t from;
  const char* sql;
};

// Version 0 was never released; it is what the tests migrate from: version 1 without the views.
const std::array<Step, 1> kSteps = {Step{0, kViews}};

void sync_folder_of(const std::string& path) {
  const auto folder = std::filesystem::path(path).parent_path();
  if (const int fd = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC); fd >= 0) {
    ::fsync(fd);
    ::close(fd);
  }
}

}  // namespace

void create_store(const std::string& path, const char* vfs) {
  const std::string made = path + ".new-" + std::to_string(::getpid());
  ::unlink(made.c_str());
  const int fd = ::open(made.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
  if (fd < 0) throw Failure{SQLITE_CANTOPEN, errno, "cannot create"};
  ::close(fd);
  try {
    Database db(made, SQLITE_OPEN_READWRITE, vfs);
    db.execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN;" + std::string{kTables} + kViews +
               "PRAGMA application_id=" + std::to_string(kApplicationId) +
               "; PRAGMA user_version=" + std::to_string(kVersion) + "; COMMIT; PRAGMA wal_checkpoint(TRUNCATE);");
  } catch (...) {
    for (const char* suffix : {"", "-wal", "-shm", "-journal"}) ::unlink((made + suffix).c_str());
    throw;
  }
  // link() and not rename(): whoever was first keeps the name.
  const int linked = ::link(made.c_str(), path.c_str());
  const int why = errno;
  for (const char* suffix : {"", "-wal", "-shm"}) ::unlink((made + suffix).c_str());
  if (linked != 0 && why != EEXIST) throw Failure{SQLITE_CANTOPEN, why, "cannot create"};
  sync_folder_of(path);
}

Result<Done> check_file(const std::string& path) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  if (!std::filesystem::exists(status))
    return Error{Error::Code::not_found, "there is no store " + path, "name another file with --store"};
  if (!std::filesystem::is_regular_file(status))
    return Error{Error::Code::invalid, path + (std::filesystem::is_directory(status) ? " is a folder" : " is not a file") + " and no store",
                 "name a file with --store"};
  if (std::filesystem::file_size(path, ignored) == 0)
    return Error{Error::Code::corrupt, path + " is empty: it is no store, or one that was cut off",
                 "name another file with --store; if nothing is to be saved there, delete it"};
  return Done{};
}

Result<Done> check_store(const Database& db, const std::string& path, bool read_only) {
  // The first statement reads the header: a file that is no database fails here.
  const auto application = db.integer("PRAGMA application_id");
  if (application != kApplicationId)
    return Error{Error::Code::corrupt, path + " is a SQLite database of another program",
                 "name another file with --store"};
  const auto version = db.integer("PRAGMA user_version");
  if (version > kVersion && !read_only)
    return Error{Error::Code::corrupt,
                 path + " was written by a newer tune (format " + std::to_string(version) + "; this one knows " +
                     std::to_string(kVersion) + ")",
                 "use that tune"};
  return Done{};
}

Result<Done> migrate(Database& db, const std::string& path) {
  for (auto version = db.integer("PRAGMA user_version"); version < kVersion; ++version) {
    const std::string copy = path + ".v" + std::to_string(version);
    if (!std::filesystem::exists(copy)) {
      auto vacuum = db.prepare("VACUUM INTO ?1");
      vacuum.bind(1, std::string_view{copy}).execute();
      ::chmod(copy.c_str(), 0600);
    }
    for (const auto& step : kSteps) {
      if (step.from != version) continue;
      Transaction transaction(db);
      db.execute(step.sql);
      db.execute("PRAGMA user_version=" + std::to_string(version + 1));
      transaction.commit();
    }
  }
  return Done{};
}

}  // namespace tune::sqlite
