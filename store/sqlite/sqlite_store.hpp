// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "tuner/store.hpp"

namespace tune {

struct OpenOptions {
  bool create = false;     ///< Make the file, and the experiment in it, if they are not there.
  bool takeover = false;   ///< Fence a live owner off instead of being refused.
  bool read_only = false;  ///< Only read(): no lock, no epoch of its own, beside a live owner.
  bool allow_network =
      false;  ///< On a network file system: rollback journal and an exclusive lock, so nobody can read along.
  const char* vfs = nullptr;  ///< Another SQLite file layer, for tests.
};

/// The journal of one experiment in a SQLite file: docs/formats/store.md says what is in it.
///
/// A thread of its own writes what was appended: it commits whatever is there (at most about 4096 records at once) as
/// soon as the commit before it is done, and calls the listener after each. A commit is synced to the disk; nothing is
/// durable before. When the disk is full or somebody else holds the database locked, it tries again, ever more slowly
/// up to once a second, until it works. When a sync failed it opens the file anew and verifies it before it goes on.
/// When the file was deleted, replaced or damaged, or another owner took over, the trouble is final. It looks once a
/// second when nothing is appended.
///
/// append, flush, read and listen belong to the owner's thread; durable and trouble to any.
class SqliteStore : public Store {
 public:
  /// Opens the experiment `name` of the store at `path` as its owner.
  ///  not_found  no such file, folder or experiment (and not `create`)
  ///  conflict   another process owns the experiment (within a second, naming it)
  ///  corrupt    not ours, newer than this program, empty, or less is there than was acknowledged; nothing is changed
  ///  invalid    a network file system, or a name that cannot be a folder's
  ///  io         no permission, no room
  static Result<std::unique_ptr<SqliteStore>> open(const std::string& path, const std::string& name,
                                                   OpenOptions options = {});
  /// Makes an empty store where there is no file. Errors where there is one: it is no store of this version. io: no permission,
  /// no room.
  static Result<Done> make(const std::string& path);
  /// Writes what is still waiting, unless there is trouble, and gives the experiment up.
  ~SqliteStore() override;

  /// While there is trouble that may pass it never blocks: watch trouble() and append no more than what must not be
  /// lost.
  Result<Done> append(std::shared_ptr<const Batch> batch) override;
  Seq durable() const override;
  std::optional<Error> trouble() const override;
  Result<Done> flush() override;
  void listen(std::function<void()> heard) override;
  Result<Done> read(Seq from, const std::function<void(Record&&)>&) const override;
  std::int64_t epoch() const override;

  /// The experiment's number in the store, from 1.
  std::int64_t experiment() const;
  /// The experiment's folder beside the store: `<store>.d/<name>`.
  const std::string& folder() const;
  /// The settings that the journal holds, from the newest Configured; empty: none yet. Only before the first append.
  Result<std::string> config() const;
  /// It was not in the store before this open().
  bool created() const;

 private:
  class Owner;
  explicit SqliteStore(std::unique_ptr<Owner>);
  std::unique_ptr<Owner> owner_;
};

}  // namespace tune
