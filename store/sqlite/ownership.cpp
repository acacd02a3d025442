// SPDX-License-Identifier: Apache-2.0
#include "store/sqlite/ownership.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <thread>
#include <utility>

#include "tuner/value.hpp"

namespace tune::sqlite {
namespace {

constexpr std::string_view kHolder = "pid ";  // How the text of a lock begins.

std::string first_line(const char* path) {
  std::string line;
  if (const int fd = ::open(path, O_RDONLY | O_CLOEXEC); fd >= 0) {
    char text[1024];
    const auto n = ::read(fd, text, sizeof text);
    ::close(fd);
    if (n > 0) line.assign(text, static_cast<std::size_t>(n));
  }
  return line.substr(0, line.find('\n'));
}

// Field 22 of /proc/self/stat; field 2, the name, may hold spaces and parentheses, so count from the last ')'.
std::int64_t start_time() {
  const std::string stat = first_line("/proc/self/stat");
  std::size_t at = stat.rfind(')');
  for (int field = 2; field < 22 && at != std::string::npos; ++field) at = stat.find(' ', at + 1);
  std::int64_t ticks = 0;
  if (at != std::string::npos) std::from_chars(stat.data() + at + 1, stat.data() + stat.size(), ticks);
  return ticks;
}

Error failed(const std::string& what) {
  return {Error::Code::io, what + ": " + std::strerror(errno), "check the permissions of the folder"};
}

// Tells the holder to whoever is refused. Read without the lock, so it may be cut off; it is only for people.
std::string holder_text() {
  const auto me = this_process();
  return std::string{kHolder} + std::to_string(me.pid) + " on " + me.host;
}

struct flock whole_file() {
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  return lock;
}

bool lock_now(int fd) {
  auto lock = whole_file();
  return ::fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

bool is_gone(const std::string& holder) {
  pid_t pid = 0;
  if (!holder.starts_with(kHolder)) return false;
  std::from_chars(holder.data() + kHolder.size(), holder.data() + holder.size(), pid);
  return pid > 0 && ::kill(pid, 0) != 0 && errno == ESRCH;
}

// A tune that was killed while it started a trial: the child has the lock too, from its fork to its exec. On a busy machine
// that is time enough for the next tune to come.
bool lock_after_the_dead(int fd, const std::string& path) {
  for (int i = 0; i < 200 && is_gone(first_line(path.c_str())); ++i) {
    std::this_thread::sleep_for(std::chrono::milliseconds{10});
    if (lock_now(fd)) return true;
  }
  return false;
}

}  // namespace

ProcessIdentity this_process() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return {host.data(), first_line("/proc/sys/kernel/random/boot_id"), ::getpid(), start_time()};
}

std::optional<FileIdentity> file_identity(const std::string& path) {
  // stat and never open: closing any descriptor of a database's file drops all locks that SQLite holds on it.
  struct stat s {};
  if (::stat(path.c_str(), &s) != 0 || s.st_nlink == 0) return std::nullopt;
  return FileIdentity{s.st_dev, s.st_ino};
}

Result<Done> check_file_system(const std::string& path) {
  struct Known {
    unsigned long magic;
    const char* name;
  };
  static constexpr std::array<Known, 12> refused = {{{0x6969, "NFS"},
                                                     {0x517b, "SMB"},
                                                     {0xff534d42, "CIFS"},
                                                     {0xfe534d42, "SMB2"},
                                                     {0x0bd00bd0, "Lustre"},
                                                     {0x47504653, "GPFS"},
                                                     {0x65735546, "FUSE"},
                                                     {0x01021997, "9P"},
                                                     {0x00c36400, "Ceph"},
                                                     {0x5346414f, "AFS"},
                                                     {0x19830326, "BeeGFS"},
                                                     {0x7461636f, "OCFS2"}}};
  const auto folder = std::filesystem::path(path).parent_path();
  struct statfs s {};
  if (::statfs(folder.empty() ? "." : folder.c_str(), &s) != 0) return failed("cannot look at " + folder.string());
  for (const auto& known : refused)
    if (known.magic == (static_cast<unsigned long>(s.f_type) & 0xffffffff))
      return Error{Error::Code::invalid,
                   path + " lies on " + known.name + ", where locks and syncs cannot be relied on",
                   "put the store on a local disk, or accept the risk with --allow-network-store"};
  return Done{};
}

std::string folder_of(const std::string& store, const std::string& experiment) { return store + ".d/" + experiment; }

Result<std::string> make_folder(const std::string& store, const std::string& experiment) {
  const std::string folder = folder_of(store, experiment);
  for (const auto& path : {store + ".d", folder})
    if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) return failed("cannot make the folder " + path);
  return folder;
}

OwnerLock& OwnerLock::operator=(OwnerLock&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

void OwnerLock::release() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
}

Result<OwnerLock> OwnerLock::take(const std::string& folder) {
  const std::string path = folder + "/lock";
  OwnerLock owned;
  owned.fd_ = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (owned.fd_ < 0) return failed("cannot open " + path);
  if (!lock_now(owned.fd_)) {
    if (errno != EAGAIN && errno != EACCES) return failed("cannot lock " + path);
    if (!lock_after_the_dead(owned.fd_, path)) {
      const std::string holder = printable(first_line(path.c_str()));
      return Error{Error::Code::conflict, "another tune owns this experiment: " + (holder.empty() ? "a process" : holder),
                   "wait for it, or take the experiment from it with --takeover"};
    }
  }
  // Best effort: on a full disk the lock still holds, only its text is missing.
  const std::string text = holder_text() + "\n";
  if (::ftruncate(owned.fd_, 0) != 0 || ::pwrite(owned.fd_, text.data(), text.size(), 0) < 0) errno = 0;
  return owned;
}

bool OwnerLock::held(const std::string& folder) {
  const int fd = ::open((folder + "/lock").c_str(), O_RDWR | O_CLOEXEC);
  if (fd < 0) return false;
  auto lock = whole_file();
  const bool someone = ::fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
  ::close(fd);
  return someone;
}

HeadFile& HeadFile::operator=(HeadFile&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

HeadFile::~HeadFile() {
  if (fd_ >= 0) ::close(fd_);
}

HeadFile HeadFile::open(const std::string& folder) {
  HeadFile head;
  head.fd_ = ::open((folder + "/head").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  return head;
}

HeadFile HeadFile::open_existing(const std::string& folder) {
  HeadFile head;
  head.fd_ = ::open((folder + "/head").c_str(), O_RDONLY | O_CLOEXEC);
  return head;
}

Seq HeadFile::read() const {
  char text[32];
  const auto n = ::pread(fd_, text, sizeof text, 0);
  Seq seq = 0;
  if (n > 0) std::from_chars(text, text + n, seq);
  return seq;
}

void HeadFile::write(Seq seq) const {
  // Twenty digits, so that a later write covers an earlier one whole.
  char text[32];
  const int n = std::snprintf(text, sizeof text, "%020lld\n", static_cast<long long>(seq));
  // On a full disk the first write may fail; the head then tells less than it could, never more.
  if (::pwrite(fd_, text, static_cast<std::size_t>(n), 0) < 0) errno = 0;
}

}  // namespace tune::sqlite
