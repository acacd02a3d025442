// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/result.hpp"

namespace tune {

/// A file that `--out` names, which is there whole or not at all: it is written beside its place under another name and takes
/// its place at the end, so that what stood there before stays until then. What is no plain file (a pipe, /dev/null) is written
/// as it is.
class OutFile {
 public:
  /// invalid: it is a folder. io: it cannot be written there.
  static Result<OutFile> open(const std::string& path);
  OutFile(OutFile&&) noexcept;
  OutFile& operator=(OutFile&&) = delete;
  /// Without finish() nothing of it is left.
  ~OutFile();

  /// Error: io, as for a disk that is full.
  Result<Done> write(std::string_view bytes);
  /// On the disk, and in its place.
  Result<Done> finish();
  std::size_t written() const { return written_; }

 private:
  OutFile(std::string name, std::string path, std::string temporary, int file)
      : name_(std::move(name)), path_(std::move(path)), temporary_(std::move(temporary)), file_(file) {}

  std::string name_;              // As it was given.
  std::string path_, temporary_;  // Empty: no plain file.
  int file_ = -1;
  std::size_t written_ = 0;
};

}  // namespace tune
