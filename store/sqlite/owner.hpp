// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>
#include <thread>
#include <unordered_map>

#include "store/sqlite/database.hpp"
#include "store/sqlite/journal.hpp"
#include "store/sqlite/ownership.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace tune {

/// What SqliteStore is made of: the connection and its writer's thread, and the queue between it and the owner's
/// thread.
///
/// `mutex_` guards the queue, the trouble and the listener; `database_mutex_` the connection. The writer never holds
/// the first while it works on the second.
class SqliteStore::Owner {
 public:
  Owner(std::string path, std::string name, OpenOptions options)
      : path_(std::move(path)), name_(std::move(name)), options_(options) {}
  ~Owner();
  Owner(const Owner&) = delete;
  Owner& operator=(const Owner&) = delete;

  Result<Done> open();

  Result<Done> append(std::shared_ptr<const Batch> batch);
  Seq durable() const;
  std::optional<Error> trouble() const;
  Result<Done> flush();
  void listen(std::function<void()> heard);
  Result<Done> read(Seq from, const std::function<void(Record&&)>&) const;
  std::int64_t epoch() const { return epoch_; }
  std::int64_t experiment() const { return experiment_; }
  const std::string& folder() const { return folder_; }
  Result<std::string> config() const;
  bool created() const { return created_; }

 private:
  using Batches = std::deque<std::shared_ptr<const Batch>>;
  /// What became of an attempt to write.
  struct Attempt {
    Seq durable = 0;  ///< Without an error.
    std::optional<Error> error;
    bool final = false;  ///< Trying again is pointless.
  };
  /// Thrown where trying again is pointless; caught in try_to_write.
  struct Fatal {
    Error error;
  };

  // Opening.
  void connect();
  Result<Done> make_if_wanted();
  Result<Done> find_experiment();
  Result<Done> become_owner();
  Result<Done> check_length();

  // The writer's thread.
  void write_loop();
  bool take(Batches&);
  Attempt try_to_write(const Batches&);
  void commit(const Batches&);
  void reopen_and_verify();
  std::int64_t stored_epoch() const;
  void look_for_lock();
  bool still_there();
  Error fenced_off() const;
  Error file_gone() const;
  void publish(const Attempt&, bool committed);
  void checkpoint();

  const std::string path_, name_;
  const OpenOptions options_;
  std::string folder_;
  std::int64_t experiment_ = 0, epoch_ = 0;
  bool created_ = false, network_ = false;

  mutable std::mutex database_mutex_;
  sqlite::OwnerLock lock_;
  sqlite::HeadFile head_;
  sqlite::Database db_;
  std::optional<sqlite::FileIdentity> file_, wal_;
  std::optional<sqlite::Statement> fence_;
  std::optional<sqlite::JournalWriter> journal_;
  std::unordered_map<std::int64_t, const TrialRow*> rows_;  ///< Of one commit: the last row of each trial.
  Seq stored_ = 0;                                          ///< The last record committed.
  bool suspect_ = false;  ///< A sync failed: open anew and verify before anything else.
  bool rolled_back_ = false;
  int wal_pages_ = 0;

  std::mutex listener_mutex_;  ///< Taken before mutex_.
  mutable std::mutex mutex_;
  std::condition_variable work_, room_;
  Batches waiting_;  ///< Appended, not taken by the writer yet.
  std::size_t waiting_records_ = 0;
  Seq appended_ = 0, durable_ = 0;
  std::optional<Error> trouble_;
  bool final_ = false, stopping_ = false;
  std::function<void()> heard_;
  std::thread writer_;
};

}  // namespace tune
