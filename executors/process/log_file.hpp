// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "executors/descriptor.hpp"

namespace tune {

/// What one attempt wrote to stdout or stderr, byte for byte (colours and all), on disk in at most 8 MiB: `NAME.log` is the
/// first MiB; what comes later goes to `NAME.tail.log`, and when that has 3.5 MiB it becomes `NAME.tail.1.log`, so that at
/// least the last 3.5 MiB are there. A line is cut after 1 MiB, with a mark. The folder and the files are made by the first
/// byte: a silent trial costs nothing.
class LogFile {
 public:
  LogFile(std::string folder, std::string name) : folder_(std::move(folder)), name_(std::move(name)) {}

  /// False when the disk would not take it (told once; later bytes are dropped in silence and counted).
  bool write(std::string_view bytes);
  /// errno of what made write() answer false.
  int error() const { return error_; }
  /// The last line written that is not empty, without its end of line; at most 400 bytes of it.
  std::string last_line() const;

 private:
  bool put(std::string_view bytes);
  bool open(const std::string& suffix, int flags);

  std::string folder_, name_, end_;
  Descriptor file_;
  std::int64_t size_ = 0, line_ = 0;
  bool in_tail_ = false;
  int error_ = 0;
};

}  // namespace tune
