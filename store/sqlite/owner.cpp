// SPDX-License-Identifier: Apache-2.0
// The writer's thread and the queue before it. How an experiment is opened stands in open.cpp.
#include "store/sqlite/owner.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include "store/sqlite/schema.hpp"

namespace tune {

using sqlite::Failure;
using namespace std::chrono_literals;

namespace {

constexpr std::size_t kCommitRecords = 4096;  // more at once, and one commit takes 25 ms
constexpr std::size_t kWaitingRecords = 4 * kCommitRecords;
constexpr int kCheckpointPages = 4000;  // 16 MB
constexpr auto kLookAround = 1s;
constexpr auto kFirstRetry = 10ms, kSlowestRetry = 1000ms;

}  // namespace

SqliteStore::Owner::~Owner() {
  if (writer_.joinable()) {
    {
      const std::lock_guard guard(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    writer_.join();
  }
}

// --- the owner's thread ---------------------------------------------------------------------------------------------

Result<Done> SqliteStore::Owner::append(std::shared_ptr<const Batch> batch) {
  if (options_.read_only) return Error{Error::Code::invalid, "the store was opened for reading only", ""};
  std::unique_lock guard(mutex_);
  room_.wait(guard, [&] { return waiting_records_ < kWaitingRecords || trouble_; });
  if (final_) return *trouble_;
  if (batch->records.empty() && batch->trials.empty()) return Done{};
  for (const auto& record : batch->records) {
    TUNE_ASSERT(record.seq == appended_ + 1,
                "seq " + std::to_string(record.seq) + " after " + std::to_string(appended_));
    TUNE_ASSERT(record.epoch == epoch_, "record " + std::to_string(record.seq) + " has another epoch");
    ++appended_;
  }
  waiting_records_ += batch->records.size();
  waiting_.push_back(std::move(batch));
  guard.unlock();
  work_.notify_one();
  return Done{};
}

Seq SqliteStore::Owner::durable() const {
  const std::lock_guard guard(mutex_);
  return durable_;
}

std::optional<Error> SqliteStore::Owner::trouble() const {
  const std::lock_guard guard(mutex_);
  return trouble_;
}

Result<Done> SqliteStore::Owner::flush() {
  std::unique_lock guard(mutex_);
  room_.wait(guard, [&] { return durable_ == appended_ || trouble_; });
  if (trouble_) return *trouble_;
  return Done{};
}

void SqliteStore::Owner::listen(std::function<void()> heard) {
  const std::lock_guard calling(listener_mutex_);
  const std::lock_guard guard(mutex_);
  heard_ = std::move(heard);
}

// --- the writer's thread --------------------------------------------------------------------------------------------

void SqliteStore::Owner::write_loop() {
  Batches taken;
  for (auto pause = kFirstRetry; take(taken);) {
    Attempt attempt = try_to_write(taken);
    if (!attempt.error) {
      const bool committed = !taken.empty();
      taken.clear();
      pause = kFirstRetry;
      publish(attempt, committed);
      // After the listener was called: these milliseconds are in nobody's wait.
      checkpoint();
      continue;
    }
    publish(attempt, false);
    std::unique_lock guard(mutex_);
    if (final_ || stopping_) return;
    work_.wait_for(guard, pause, [&] { return stopping_; });
    pause = std::min<std::chrono::milliseconds>(pause * 2, kSlowestRetry);
  }
}

/// Waits for work and moves it to `taken`, unless that holds some from the last attempt. After a second without any it
/// returns with none, to look around. False: nothing is left to do.
bool SqliteStore::Owner::take(Batches& taken) {
  if (!taken.empty()) return true;
  std::unique_lock guard(mutex_);
  work_.wait_for(guard, kLookAround, [&] { return !waiting_.empty() || stopping_; });
  for (std::size_t records = 0; !waiting_.empty() && records < kCommitRecords; waiting_.pop_front()) {
    records += waiting_.front()->records.size();
    taken.push_back(std::move(waiting_.front()));
  }
  return !taken.empty() || !stopping_;
}

SqliteStore::Owner::Attempt SqliteStore::Owner::try_to_write(const Batches& batches) {
  const std::lock_guard guard(database_mutex_);
  try {
    if (suspect_) reopen_and_verify();
    if (std::exchange(rolled_back_, false)) journal_->forget_uncommitted();
    if (!lock_.holds()) look_for_lock();
    if (!batches.empty())
      commit(batches);
    else if (epoch_ != stored_epoch())
      throw Fatal{fenced_off()};
    // Checked after the commit: what went into a file that nobody can open any more is not durable.
    if (!still_there()) throw Fatal{file_gone()};
    head_.write(stored_);
    return {stored_, std::nullopt, false};
  } catch (const Fatal& fatal) {
    // Whoever fenced us off may want the lock.
    lock_.release();
    return {0, fatal.error, true};
  } catch (const Failure& failure) {
    rolled_back_ = true;
    const int code = failure.code & 0xff;
    // A failed sync may have thrown our pages away and will not fail again: believe nothing this connection knows.
    if ((code == SQLITE_IOERR && !no_room(failure)) || code == SQLITE_CANTOPEN) suspect_ = true;
    const bool final =
        code == SQLITE_CORRUPT || code == SQLITE_NOTADB || code == SQLITE_CONSTRAINT || code == SQLITE_MISUSE;
    Error error = still_there() ? to_error(failure, path_) : file_gone();
    if (code == SQLITE_CONSTRAINT)
      error = {Error::Code::corrupt, path_ + ": the journal has these records already", ""};
    return {0, std::move(error), final || !still_there()};
  }
}

void SqliteStore::Owner::commit(const Batches& batches) {
  Seq last = stored_;
  for (const auto& batch : batches)
    if (!batch->records.empty()) last = batch->records.back().seq;

  sqlite::Transaction transaction(db_);
  // First of all: an owner that was fenced off writes nothing.
  fence_->bind(1, last).bind(2, experiment_).bind(3, epoch_).execute();
  if (db_.changes() != 1) throw Fatal{fenced_off()};
  rows_.clear();
  std::optional<TrialId> best;
  for (const auto& batch : batches) {
    // After a sync failed, records may be there that we could not be sure of.
    for (const auto& record : batch->records)
      if (record.seq > stored_) journal_->insert(record);
    for (const auto& row : batch->trials) rows_[row.id.value] = &row;
    if (batch->best) best = batch->best;
  }
  for (const auto& [id, row] : rows_) journal_->upsert(*row);
  if (best) journal_->best(*best);
  journal_->settle();
  transaction.commit();
  stored_ = last;
}

void SqliteStore::Owner::reopen_and_verify() {
  journal_.reset(), fence_.reset();
  db_ = {};
  connect();
  // Copies the whole WAL into the database with new writes and new syncs: if they succeed, all of it is on the disk.
  auto checkpointed = db_.prepare("PRAGMA wal_checkpoint(TRUNCATE)");
  if (checkpointed.step() && checkpointed.integer(0) != 0) throw Failure{SQLITE_BUSY, 0, "the WAL is in use"};
  checkpointed.reset();
  const std::string found = db_.text("PRAGMA quick_check(1)");
  if (found != "ok") throw Failure{SQLITE_CORRUPT, 0, found};
  const Seq now = db_.integer("SELECT last_seq FROM owner WHERE experiment=" + std::to_string(experiment_));
  if (now < stored_) throw Failure{SQLITE_CORRUPT, 0, "records that were stored are gone"};
  stored_ = now;
  suspect_ = false;
}

std::int64_t SqliteStore::Owner::stored_epoch() const {
  return db_.integer("SELECT epoch FROM owner WHERE experiment=" + std::to_string(experiment_));
}

/// After a takeover the former owner keeps the lock until it notices.
void SqliteStore::Owner::look_for_lock() {
  if (auto taken = sqlite::OwnerLock::take(folder_)) lock_ = std::move(taken).value();
}

bool SqliteStore::Owner::still_there() {
  const auto file = sqlite::file_identity(path_);
  if (!file || file != file_) return false;
  // SQLite makes the -wal file with the first transaction and keeps it as long as anybody has the database open.
  if (network_) return true;
  const auto wal = sqlite::file_identity(path_ + "-wal");
  if (!wal_) wal_ = wal;
  return wal == wal_;
}

Error SqliteStore::Owner::fenced_off() const {
  return {Error::Code::conflict, "another tune has taken the experiment " + name_ + " over", ""};
}

Error SqliteStore::Owner::file_gone() const {
  return {Error::Code::corrupt, path_ + " or its -wal file was deleted, moved or replaced while in use",
          "put it back if you can; what was acknowledged before is in the file that was there"};
}

void SqliteStore::Owner::publish(const Attempt& attempt, bool committed) {
  // Held while the listener is called: whoever takes it back knows that it is not running any more.
  const std::lock_guard calling(listener_mutex_);
  std::function<void()> heard;
  {
    const std::lock_guard guard(mutex_);
    const bool changed = attempt.error.has_value() != trouble_.has_value() ||
                         (attempt.error && attempt.error->message != trouble_->message);
    trouble_ = attempt.error;
    final_ = attempt.final;
    if (!attempt.error) {
      waiting_records_ -= static_cast<std::size_t>(attempt.durable - durable_);
      durable_ = attempt.durable;
    }
    if (changed || committed) heard = heard_;
  }
  room_.notify_all();
  if (heard) heard();
}

void SqliteStore::Owner::checkpoint() {
  const std::lock_guard guard(database_mutex_);
  if (wal_pages_ < kCheckpointPages) return;
  // Its failure is none of ours: the WAL stays, and the next commit meets the same trouble and tells it.
  sqlite3_wal_checkpoint_v2(db_.raw(), nullptr, SQLITE_CHECKPOINT_PASSIVE, nullptr, nullptr);
}

}  // namespace tune
