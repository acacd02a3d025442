// SPDX-License-Identifier: Apache-2.0
#include "ui/server/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tuner/value.hpp"

namespace tune {
namespace {

Error trouble(const std::string& doing, const std::string& path) {
  return {Error::Code::io, "cannot " + doing + " " + printable(path) + ": " + std::strerror(errno), ""};
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  int get() const { return fd_; }

 private:
  int fd_;
};

}  // namespace

Result<std::optional<std::string>> read_secret(const std::string& path, std::size_t limit) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>{};
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return trouble("open", path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    return Error{Error::Code::conflict, "others may read or own " + printable(path) + ", so it keeps no secret",
                 "remove it; a new one is made"};
  std::string text(limit, '\0');
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  if (n < 0) return trouble("read", path);
  text.resize(static_cast<std::size_t>(n));
  return std::optional{std::move(text)};
}

Result<Done> place_secret(const std::string& path, const std::string& text, Placing placing) {
  const std::string folder = path.substr(0, path.rfind('/'));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return trouble("create", folder);
  const std::string draft = path + "." + std::to_string(::getpid());
  ::unlink(draft.c_str());
  const Descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (file.get() < 0) return trouble("create", draft);
  const bool whole = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
  const auto place = [&] {
    if (placing == Placing::last_wins) return ::rename(draft.c_str(), path.c_str()) == 0;
    return ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
  };
  const bool placed = whole && place();
  const Error error = trouble("write", path);
  ::unlink(draft.c_str());
  if (!placed) return error;
  return Done{};
}

}  // namespace tune
