// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tuner/ids.hpp"
#include "tuner/rng.hpp"

namespace tune::test {

/// What a program did to its files, in order, and what it had promised meanwhile. Recorded by the file layer below.
struct FileEvent {
  enum class Kind { write, truncate, sync, remove, acknowledged } kind;
  std::string file;         ///< Name within the folder: "a.db", "a.db-wal".
  std::int64_t offset = 0;  ///< Of a write; the new size of a truncate.
  std::string bytes = {};
  Seq seq = 0;  ///< Of acknowledged: durable up to here.
};

/// A SQLite file layer ("vfs") named "power-loss" over the system's own. One at a time, process-wide.
namespace power_loss {
void install();
void record(bool on);       ///< Begins an empty recording, or stops.
void acknowledge(Seq seq);  ///< Adds the promise to the recording. Any thread.
std::vector<FileEvent> recording();
/// The next `count` syncs of files whose name ends so fail with EIO, as a disk does once and then never mentions again.
void fail_syncs(int count, const std::string& ending);
}  // namespace power_loss

/// What is on the disk as the recording goes on: what was synced, and what was not yet.
class Disk {
 public:
  using Files = std::map<std::string, std::string>;
  explicit Disk(Files files) : synced_(std::move(files)) {}

  void follow(const FileEvent&);
  /// One outcome of losing power now: of what is not synced each write is there (40 %), lost (30 %) or torn at a sector
  /// (30 %); a truncation, a removal or a new file's name is there or not.
  Files after_power_loss(Rng&) const;
  Seq acknowledged() const { return acknowledged_; }

 private:
  Files synced_;
  std::vector<FileEvent> pending_;
  Seq acknowledged_ = 0;
};

}  // namespace tune::test
