// SPDX-License-Identifier: Apache-2.0
#include "executors/process/log_file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>

#include "executors/private_folder.hpp"

namespace tune {
namespace {
constexpr std::int64_t kHead = 1 << 20, kTail = 7 << 19, kLongestLine = 1 << 20;
constexpr std::size_t kEnd = 400;
}  // namespace

bool LogFile::write(std::string_view bytes) {
  if (bytes.size() >= kEnd) {
    end_.assign(bytes.substr(bytes.size() - kEnd));
  } else {
    if (end_.size() + bytes.size() > 2 * kEnd) end_.erase(0, end_.size() + bytes.size() - kEnd);
    end_ += bytes;
  }
  if (error_ != 0) return true;
  while (!bytes.empty()) {
    const auto newline = bytes.find('\n');
    const auto part = bytes.substr(0, newline == std::string_view::npos ? newline : newline + 1);
    bytes.remove_prefix(part.size());
    const auto room = std::max<std::int64_t>(kLongestLine - line_, 0);
    const bool cut = static_cast<std::int64_t>(part.size()) > room;
    if (!put(cut ? part.substr(0, static_cast<std::size_t>(room)) : part)) return false;
    if (cut && line_ <= kLongestLine && !put("\n[tune: this line was cut after 1 MiB]\n")) return false;
    line_ = newline == std::string_view::npos ? line_ + static_cast<std::int64_t>(part.size()) : 0;
    if (cut && line_ != 0) line_ = kLongestLine + 1;
  }
  return true;
}

bool LogFile::put(std::string_view bytes) {
  while (!bytes.empty()) {
    if (!file_ && !open(".log", O_TRUNC)) return false;
    const std::int64_t room = (in_tail_ ? kTail : kHead) - size_;
    if (room <= 0) {
      const std::string tail = folder_ + "/" + name_ + ".tail";
      if (in_tail_) std::rename((tail + ".log").c_str(), (tail + ".1.log").c_str());
      in_tail_ = true;
      if (!open(".tail.log", O_TRUNC)) return false;
      continue;
    }
    const ssize_t n = ::write(file_.get(), bytes.data(), std::min(bytes.size(), static_cast<std::size_t>(room)));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return error_ = errno, false;
    size_ += n;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool LogFile::open(const std::string& suffix, int flags) {
  const std::string path = folder_ + "/" + name_ + suffix;
  const auto make = [&] { file_.reset(::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0600)); };
  make();
  if (!file_ && errno == ENOENT && make_private_folder(folder_)) make();
  size_ = 0;
  if (!file_) error_ = errno;
  return static_cast<bool>(file_);
}

std::string LogFile::last_line() const {
  std::string_view text = end_;
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r' || text.back() == ' ')) text.remove_suffix(1);
  const auto start = text.rfind('\n');
  if (start != std::string_view::npos) text.remove_prefix(start + 1);
  return std::string{text.size() > kEnd ? text.substr(text.size() - kEnd) : text};
}

}  // namespace tune
