// SPDX-License-Identifier: Apache-2.0
// How an experiment of a store gets its owner.
#include <chrono>
#include <filesystem>

#include "store/sqlite/owner.hpp"
#include "store/sqlite/schema.hpp"

namespace tune {

using sqlite::Failure;
namespace fs = std::filesystem;

namespace {

double wall_clock() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

Result<Done> check_name(const std::string& name) {
  if (!name.empty() && name.size() <= 200 && name[0] != '.' && name.find('/') == std::string::npos &&
      name.find('\0') == std::string::npos)
    return Done{};
  return Error{Error::Code::invalid, "\"" + printable(name) + "\" cannot be an experiment's name",
               "use 1 to 200 bytes without '/', not beginning with '.'"};
}

Result<Done> make_store(const std::string& path, const char* vfs) {
  try {
    sqlite::create_store(path, vfs);
  } catch (const Failure& failure) {
    return to_error(failure, path);
  }
  return Done{};
}

}  // namespace

Result<Done> SqliteStore::Owner::open() {
  if (auto named = check_name(name_); !named) return named;
  if (auto local = sqlite::check_file_system(path_); !local) {
    if (!options_.allow_network) return local;
    network_ = true;
  }
  if (auto made = make_if_wanted(); !made) return made;
  try {
    connect();
    if (auto ours = sqlite::check_store(db_, path_, options_.read_only); !ours) return ours;
    if (!options_.read_only)
      if (auto current = sqlite::migrate(db_, path_); !current) return current;
    if (auto found = find_experiment(); !found) return found;
    if (auto owned = options_.read_only ? check_length() : become_owner(); !owned) return owned;
  } catch (const Failure& failure) {
    Error error = to_error(failure, path_);
    if ((failure.code & 0xff) == SQLITE_BUSY) error.code = Error::Code::conflict;  // Worth waiting for, as for an owner.
    return error;
  }
  if (!options_.read_only) writer_ = std::thread([this] { write_loop(); });
  return Done{};
}

Result<Done> SqliteStore::make(const std::string& path) {
  if (auto there = sqlite::check_file(path); !there)
    return there.error().code == Error::Code::not_found ? make_store(path, nullptr) : there;
  try {
    const sqlite::Database db(path, SQLITE_OPEN_READONLY);
    return sqlite::check_store(db, path);
  } catch (const Failure& failure) {
    return to_error(failure, path);
  }
}

Result<Done> SqliteStore::Owner::make_if_wanted() {
  const auto there = sqlite::check_file(path_);
  const bool missing = !there && there.error().code == Error::Code::not_found;
  return missing && options_.create && !options_.read_only ? make_store(path_, options_.vfs) : there;
}

void SqliteStore::Owner::connect() {
  db_ = sqlite::Database(path_, options_.read_only ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE, options_.vfs);
  sqlite3_busy_timeout(db_.raw(), 1000);
  db_.execute("PRAGMA foreign_keys=ON; PRAGMA trusted_schema=OFF; PRAGMA cache_size=-32000;");
  if (options_.read_only) return;
  if (network_) db_.execute("PRAGMA locking_mode=EXCLUSIVE; PRAGMA journal_mode=DELETE;");
  // The checkpoint is ours to run, after the listener was called; a WAL that once grew large is cut to 64 MB.
  db_.execute("PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=0; PRAGMA journal_size_limit=67108864;");
  sqlite3_wal_hook(
      db_.raw(),
      [](void* self, sqlite3*, const char*, int pages) {
        static_cast<Owner*>(self)->wal_pages_ = pages;
        return SQLITE_OK;
      },
      this);
  wal_.reset();
  const auto now = sqlite::file_identity(path_);
  if (file_ && now != file_) throw Fatal{file_gone()};
  file_ = now;
  if (experiment_ == 0) return;
  fence_ = db_.prepare("UPDATE owner SET last_seq=?1 WHERE experiment=?2 AND epoch=?3");
  journal_.emplace(db_, experiment_);
}

Result<Done> SqliteStore::Owner::find_experiment() {
  auto find = db_.prepare("SELECT id FROM experiments WHERE name=?1");
  for (find.bind(1, name_); find.step();) experiment_ = find.integer(0);
  if (experiment_ != 0) return Done{};
  if (!options_.create || options_.read_only)
    return Error{Error::Code::not_found, path_ + " has no experiment " + printable(name_),
                 "tune ls shows those it has"};
  sqlite::Transaction transaction(db_);
  for (find.bind(1, name_); find.step();) experiment_ = find.integer(0);
  if (experiment_ == 0) {
    db_.prepare("INSERT INTO experiments(name, created, state) VALUES(?1, ?2, 'new')")
        .bind(1, name_)
        .bind(2, wall_clock())
        .execute();
    experiment_ = sqlite3_last_insert_rowid(db_.raw());
    db_.prepare("INSERT INTO owner(experiment, epoch, last_seq) VALUES(?1, 0, 0)").bind(1, experiment_).execute();
    created_ = true;
  }
  transaction.commit();
  return Done{};
}

Result<Done> SqliteStore::Owner::become_owner() {
  auto folder = sqlite::make_folder(path_, name_);
  if (!folder) return folder.error();
  folder_ = *folder;
  auto lock = sqlite::OwnerLock::take(folder_);
  if (lock)
    lock_ = std::move(lock).value();
  else if (!options_.takeover || lock.error().code != Error::Code::conflict)
    return lock.error();
  head_ = sqlite::HeadFile::open(folder_);

  const auto me = sqlite::this_process();
  {
    sqlite::Transaction transaction(db_);
    if (auto whole = check_length(); !whole) return whole;
    epoch_ = stored_epoch() + 1;
    db_.prepare("UPDATE owner SET epoch=?2, host=?3, boot_id=?4, pid=?5, start_time=?6, version=?7 WHERE experiment=?1")
        .bind(1, experiment_)
        .bind(2, epoch_)
        .bind(3, me.host)
        .bind(4, me.boot_id)
        .bind(5, me.pid)
        .bind(6, me.start_time)
        .bind(7, TUNE_VERSION)
        .execute();
    transaction.commit();
  }
  fence_ = db_.prepare("UPDATE owner SET last_seq=?1 WHERE experiment=?2 AND epoch=?3");
  journal_.emplace(db_, experiment_);
  if (!still_there()) return file_gone();
  return Done{};
}

/// The journal ends where the owner's row and the head file say: else a -wal file was lost or somebody deleted rows.
Result<Done> SqliteStore::Owner::check_length() {
  auto length = db_.prepare(
      "SELECT last_seq, (SELECT coalesce(max(id), 0) FROM facts WHERE id BETWEEN ?1 AND ?2) & ?3, "
      "(SELECT coalesce(max(id), 0) FROM reports WHERE id BETWEEN ?1 AND ?2) & ?3 FROM owner WHERE experiment=?4");
  length.bind(1, sqlite::key_of(experiment_, 0)).bind(2, sqlite::key_of(experiment_, sqlite::kNumberMask));
  length.bind(3, sqlite::kNumberMask).bind(4, experiment_);
  if (!length.step()) return Error{Error::Code::corrupt, path_ + " is damaged: the experiment has no owner's row", ""};
  stored_ = length.integer(0);
  const Seq found = std::max(length.integer(1), length.integer(2));
  length.reset();
  if (found != stored_)
    return Error{
        Error::Code::corrupt,
        path_ + " is damaged: the journal has " + std::to_string(found) + " records of " + std::to_string(stored_),
        "tune salvage copies what can still be read"};
  const Seq acknowledged = options_.read_only ? 0 : head_.read();
  if (acknowledged > stored_)
    return Error{Error::Code::corrupt,
                 path_ + " ends at record " + std::to_string(stored_) + ", but " + std::to_string(acknowledged) +
                     " were acknowledged: its -wal file is missing, or this is an older copy",
                 "put " + path_ + "-wal back; to go on without what is lost, delete " + folder_ + "/head"};
  appended_ = durable_ = stored_;
  return Done{};
}

Result<Done> SqliteStore::Owner::read(Seq from, const std::function<void(Record&&)>& each) const {
  const std::lock_guard guard(database_mutex_);
  try {
    return sqlite::read_journal(db_, experiment_, from, each);
  } catch (const Failure& failure) {
    return to_error(failure, path_);
  }
}

Result<std::string> SqliteStore::Owner::config() const {
  const std::lock_guard guard(database_mutex_);
  try {
    std::string text;
    auto find = db_.prepare("SELECT coalesce(config, '') FROM experiments WHERE id=?1");
    for (find.bind(1, experiment_); find.step();) text = find.text(0);
    return text;
  } catch (const Failure& failure) {
    return to_error(failure, path_);
  }
}

// --- SqliteStore ----------------------------------------------------------------------------------------------------

Result<std::unique_ptr<SqliteStore>> SqliteStore::open(const std::string& path, const std::string& name,
                                                       OpenOptions options) {
  std::error_code error;
  // One name for one file, however it was written: the folder beside it and its lock hang on that.
  const auto whole = fs::weakly_canonical(path, error);
  if (error || path.empty()) return Error{Error::Code::io, path + ": " + error.message(), "name a file with --store"};
  if (!fs::is_directory(whole.parent_path(), error))
    return Error{Error::Code::not_found, "there is no folder " + whole.parent_path().string() + " for the store",
                 "make it first"};
  auto owner = std::make_unique<Owner>(whole.string(), name, options);
  if (auto opened = owner->open(); !opened) return opened.error();
  return std::unique_ptr<SqliteStore>(new SqliteStore(std::move(owner)));
}

SqliteStore::SqliteStore(std::unique_ptr<Owner> owner) : owner_(std::move(owner)) {}
SqliteStore::~SqliteStore() = default;

Result<Done> SqliteStore::append(std::shared_ptr<const Batch> batch) { return owner_->append(std::move(batch)); }
Seq SqliteStore::durable() const { return owner_->durable(); }
std::optional<Error> SqliteStore::trouble() const { return owner_->trouble(); }
Result<Done> SqliteStore::flush() { return owner_->flush(); }
void SqliteStore::listen(std::function<void()> heard) { owner_->listen(std::move(heard)); }
Result<Done> SqliteStore::read(Seq from, const std::function<void(Record&&)>& each) const {
  return owner_->read(from, each);
}
std::int64_t SqliteStore::epoch() const { return owner_->epoch(); }
std::int64_t SqliteStore::experiment() const { return owner_->experiment(); }
Result<std::string> SqliteStore::config() const { return owner_->config(); }
const std::string& SqliteStore::folder() const { return owner_->folder(); }
bool SqliteStore::created() const { return owner_->created(); }

}  // namespace tune
