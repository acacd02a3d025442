// SPDX-License-Identifier: Apache-2.0
#include "ui/server/readers.hpp"

#include <sys/stat.h>

namespace tune {
namespace {

constexpr std::size_t kIdle = 8;  // More are closed: each has a file and a cache.

}  // namespace

std::uint64_t Readers::file() const {
  struct stat status {};
  return ::stat(store_.c_str(), &status) == 0 ? (static_cast<std::uint64_t>(status.st_dev) << 48) ^ status.st_ino : 0;
}

Result<Readers::Lease> Readers::take() {
  const auto now = file();
  {
    const std::lock_guard lock(mutex_);
    if (now != file_) idle_.clear(), file_ = now;
    if (!idle_.empty()) {
      auto reader = std::move(idle_.back());
      idle_.pop_back();
      return Lease(*this, std::move(reader), now);
    }
  }
  auto reader = StoreReader::open(store_);
  if (!reader) return reader.error();
  return Lease(*this, std::move(*reader), now);
}

void Readers::give_back(std::unique_ptr<StoreReader> reader, std::uint64_t file) {
  const std::lock_guard lock(mutex_);
  if (file == file_ && idle_.size() < kIdle) idle_.push_back(std::move(reader));
}

}  // namespace tune
