// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "tuner/ids.hpp"
#include "tuner/result.hpp"

namespace tune::sqlite {

/// Names one process on one machine for ever: pids are used again, a start time within one boot is not.
struct ProcessIdentity {
  std::string host, boot_id;
  std::int64_t pid = 0;
  std::int64_t start_time = 0;  ///< Clock ticks since boot.
};
ProcessIdentity this_process();

/// The file that a path named when we looked; another one may stand there later.
struct FileIdentity {
  std::uint64_t device = 0, inode = 0;
  bool operator==(const FileIdentity&) const = default;
};
std::optional<FileIdentity> file_identity(const std::string& path);

/// An error if `path` lies on a network or user-space file system, where neither locks nor syncs can be relied on.
Result<Done> check_file_system(const std::string& path);

/// The folder of one experiment beside the store, made with mode 0700: `<store>.d/<name>`.
Result<std::string> make_folder(const std::string& store, const std::string& experiment);
std::string folder_of(const std::string& store, const std::string& experiment);

/// The lock of an experiment's owner: an open file description lock, so it ends with its holder, however that dies. No
/// stale lock exists, no age is ever guessed.
class OwnerLock {
 public:
  OwnerLock() = default;
  OwnerLock(OwnerLock&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  OwnerLock& operator=(OwnerLock&& other) noexcept;
  ~OwnerLock() { release(); }

  /// Error::conflict, naming pid and host of the holder, if another one holds it. Waits, at most 2 s, only where the holder
  /// has died and a child that it was starting holds the lock until its exec.
  static Result<OwnerLock> take(const std::string& folder);
  /// Somebody holds it now. Takes nothing.
  static bool held(const std::string& folder);
  void release();
  bool holds() const { return fd_ >= 0; }

 private:
  int fd_ = -1;
};

/// The last acknowledged seq, in a file of its own. It is written after each commit and not synced, so it never tells
/// more than was durable; it tells less after a loss of power only. What it knows and the database does not is lost.
class HeadFile {
 public:
  HeadFile() = default;
  HeadFile(HeadFile&& other) noexcept : fd_(other.fd_) { other.fd_ = -1; }
  HeadFile& operator=(HeadFile&& other) noexcept;
  ~HeadFile();
  static HeadFile open(const std::string& folder);
  static HeadFile open_existing(const std::string& folder);  ///< To read only.
  Seq read() const;                                          ///< 0 if it tells nothing.
  void write(Seq) const;

 private:
  int fd_ = -1;
};

}  // namespace tune::sqlite
