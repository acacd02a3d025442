// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/out_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <utility>

#include "tuner/value.hpp"

namespace tune {
namespace {

namespace fs = std::filesystem;

Error cannot_write(const std::string& path, int number) {
  return {Error::Code::io, "cannot write `" + printable(path) + "`: " + std::strerror(number), ""};
}

}  // namespace

Result<OutFile> OutFile::open(const std::string& path) {
  struct stat there {};
  if (::stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
    if (S_ISDIR(there.st_mode)) return Error{Error::Code::invalid, "`" + printable(path) + "` is a folder", "name a file in it"};
    const int file = ::open(path.c_str(), O_WRONLY | O_CLOEXEC);
    if (file < 0) return cannot_write(path, errno);
    return OutFile(path, "", "", file);
  }
  std::error_code error;
  auto target = fs::weakly_canonical(path, error);  // Of a link, what it leads to.
  if (error) target = path;
  const auto temporary = (target.parent_path() / ("." + target.filename().string() + "." + std::to_string(::getpid()))).string();
  const int file = ::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0666);
  if (file < 0) return cannot_write(path, errno);
  return OutFile(path, target.string(), temporary, file);
}

OutFile::OutFile(OutFile&& other) noexcept
    : name_(std::move(other.name_)), path_(std::move(other.path_)), temporary_(std::exchange(other.temporary_, {})),
      file_(std::exchange(other.file_, -1)), written_(other.written_) {}

OutFile::~OutFile() {
  if (file_ >= 0) ::close(file_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

Result<Done> OutFile::write(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto n = ::write(file_, bytes.data(), bytes.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return cannot_write(name_, errno);
    bytes.remove_prefix(static_cast<std::size_t>(n)), written_ += static_cast<std::size_t>(n);
  }
  return Done{};
}

Result<Done> OutFile::finish() {
  if (temporary_.empty()) return Done{};
  if (::fsync(file_) != 0) return cannot_write(name_, errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) return cannot_write(name_, errno);
  temporary_.clear();
  return Done{};
}

}  // namespace tune
