// SPDX-License-Identifier: Apache-2.0
#include "executors/link/secret_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>

#include "executors/descriptor.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

Error trouble(const std::string& doing, const std::string& path) {
  return {Error::Code::io, "cannot " + doing + " " + printable(path) + ": " + std::strerror(errno), ""};
}

}  // namespace

Result<std::optional<std::string>> read_secret(const std::string& path, std::size_t limit) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (!file && errno == ENOENT) return std::optional<std::string>{};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return trouble("open", path);
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
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path.substr(0, std::max<std::size_t>(slash, 1));
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return trouble("create", folder);
  const std::string draft = path + "." + std::to_string(::getpid());
  ::unlink(draft.c_str());
  const Descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (!file) return trouble("create", draft);
  const bool whole = ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
  const auto place = [&] {
    if (placing == Placing::last_wins) return ::rename(draft.c_str(), path.c_str()) == 0;
    return ::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST;
  };
  const auto settle = [&] {  // The name too: it is the folder's.
    const Descriptor names{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
    return names && ::fsync(names.get()) == 0;
  };
  const bool placed = whole && place() && settle();
  const Error error = trouble("write", path);
  ::unlink(draft.c_str());
  if (!placed) return error;
  return Done{};
}

Result<std::string> read_given(const std::string& path, const std::string& what, std::size_t limit, Given given) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (!file) return unusable(what, path, std::strerror(errno));
  struct stat status {};
  if (::fstat(file.get(), &status) != 0 || !S_ISREG(status.st_mode)) return unusable(what, path, "it is no file");
  const bool of_root = status.st_uid == 0 && ::geteuid() != 0;
  const bool shown = (!of_root && status.st_uid != ::geteuid()) || (status.st_mode & (of_root ? 027 : 077)) != 0;
  if (given == Given::secret && shown) {
    auto error = unusable(what, path, "others may read or own it");
    error.hint = "chmod 600 " + printable(path);
    return error;
  }
  std::string text(limit, '\0');
  const ssize_t n = ::read(file.get(), text.data(), text.size());
  if (n < 0) return unusable(what, path, std::strerror(errno));
  text.resize(static_cast<std::size_t>(n));
  return text;
}

Error unusable(const std::string& what, const std::string& path, const std::string& why) {
  return {Error::Code::invalid, "cannot use " + printable(path) + " as a " + what + ": " + why, ""};
}

}  // namespace tune
