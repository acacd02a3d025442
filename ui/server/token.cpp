// SPDX-License-Identifier: Apache-2.0
#include "ui/server/token.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <optional>

#include "tuner/value.hpp"

namespace tune {
namespace {

constexpr std::size_t kDigits = 64;

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

/// nullopt: there is no such file.
Result<std::optional<std::string>> read(const std::string& path) {
  const Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
  if (file.get() < 0 && errno == ENOENT) return std::optional<std::string>{};
  struct stat status {};
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return trouble("open", path);
  if (status.st_uid != ::geteuid() || (status.st_mode & 077) != 0)
    return Error{Error::Code::conflict, "others may read or own " + printable(path) + ", so it keeps no secret",
                 "remove it; a new one is made"};
  std::string token(kDigits + 2, '\0');
  const ssize_t n = ::read(file.get(), token.data(), token.size());
  if (n < 0) return trouble("read", path);
  token.resize(static_cast<std::size_t>(n));
  if (!token.empty() && token.back() == '\n') token.pop_back();
  if (token.size() != kDigits || token.find_first_not_of("0123456789abcdef") != std::string::npos)
    return Error{Error::Code::corrupt, printable(path) + " does not hold a token", "remove it; a new one is made"};
  return std::optional{token};
}

}  // namespace

Result<std::string> random_token() {
  std::array<std::uint8_t, kDigits / 2> bits{};
  if (::getrandom(bits.data(), bits.size(), 0) != static_cast<ssize_t>(bits.size())) return trouble("draw", "a token");
  std::string token;
  for (const std::uint8_t byte : bits) {
    token += "0123456789abcdef"[byte >> 4];
    token += "0123456789abcdef"[byte & 15];
  }
  return token;
}

namespace {

/// Writes the file whole under another name and links it into place, so that a reader never finds half a token and of two
/// writers the first one wins.
Result<Done> write(const std::string& path, const std::string& token) {
  const std::string draft = path + "." + std::to_string(::getpid());
  ::unlink(draft.c_str());
  const Descriptor file{::open(draft.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)};
  if (file.get() < 0) return trouble("create", draft);
  const std::string line = token + "\n";
  const bool whole = ::write(file.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size());
  const bool placed = whole && (::link(draft.c_str(), path.c_str()) == 0 || errno == EEXIST);
  const Error error = trouble("write", path);
  ::unlink(draft.c_str());
  if (!placed) return error;
  return Done{};
}

}  // namespace

Result<std::string> store_token(const std::string& folder) {
  const std::string path = folder + "/token";
  auto found = read(path);
  if (!found) return found.error();
  if (*found) return **found;

  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) return trouble("create", folder);
  auto token = random_token();
  if (!token) return token.error();
  if (auto written = write(path, *token); !written) return written.error();
  found = read(path);
  if (!found) return found.error();
  if (!*found) return Error{Error::Code::conflict, printable(path) + " went away while it was made", "try again"};
  return **found;
}

bool same_secret(std::string_view a, std::string_view b) {
  unsigned different = a.size() != b.size();
  const std::size_t n = a.size() < b.size() ? a.size() : b.size();
  for (std::size_t i = 0; i < n; ++i) different |= static_cast<unsigned char>(a[i]) ^ static_cast<unsigned char>(b[i]);
  return different == 0;
}

}  // namespace tune
