// SPDX-License-Identifier: Apache-2.0
#include "executors/process/containment.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstring>
#include <vector>

#include "tuner/value.hpp"

namespace tune {
namespace {

// A small file of /proc or a cgroup, whole; empty if it cannot be read.
std::string read_file(const std::string& path, std::size_t most = 1 << 20) {
  std::string out;
  const Descriptor fd{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  if (!fd) return out;
  char buffer[4096];
  for (ssize_t n; out.size() < most && (n = ::read(fd.get(), buffer, sizeof buffer)) > 0;)
    out.append(buffer, static_cast<std::size_t>(n));
  return out;
}

bool write_file(int folder, const std::string& path, std::string_view text) {
  const Descriptor fd{::openat(folder, path.c_str(), O_WRONLY | O_CLOEXEC)};
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

std::vector<pid_t> numbers(std::string_view text) {
  std::vector<pid_t> out;
  const char* at = text.data();
  const char* end = at + text.size();
  while (at < end) {
    pid_t pid = 0;
    const auto [stop, ec] = std::from_chars(at, end, pid);
    if (ec == std::errc{}) out.push_back(pid);
    at = stop + 1;
  }
  return out;
}

std::vector<pid_t> names_in(const char* path) {
  std::vector<pid_t> out;
  DIR* stream = ::opendir(path);
  if (!stream) return out;
  while (const dirent* entry = ::readdir(stream)) {
    pid_t pid = 0;
    const auto [stop, ec] = std::from_chars(entry->d_name, entry->d_name + std::strlen(entry->d_name), pid);
    if (ec == std::errc{} && *stop == '\0') out.push_back(pid);
  }
  ::closedir(stream);
  return out;
}

struct Stat {
  char state = 0;
  pid_t parent = 0, group = 0;
};
std::optional<Stat> stat_of(pid_t pid) {
  const std::string text = read_file("/proc/" + std::to_string(pid) + "/stat");
  const auto name_end = text.rfind(')');  // The name may hold anything, spaces and parentheses too.
  if (name_end == std::string::npos || name_end + 4 > text.size()) return std::nullopt;
  Stat stat;
  stat.state = text[name_end + 2];
  const auto rest = numbers(std::string_view{text}.substr(name_end + 4));
  if (rest.size() < 2) return std::nullopt;
  stat.parent = rest[0], stat.group = rest[1];
  return stat;
}

// Children of a process, all its threads'. Without CONFIG_PROC_CHILDREN every process is asked for its parent.
std::vector<pid_t> children_of(pid_t pid) {
  const std::string tasks = "/proc/" + std::to_string(pid) + "/task";
  std::vector<pid_t> out;
  static const bool listed = ::access("/proc/thread-self/children", R_OK) == 0;
  if (listed) {
    for (const pid_t thread : names_in(tasks.c_str()))
      for (const pid_t child : numbers(read_file(tasks + "/" + std::to_string(thread) + "/children"))) out.push_back(child);
  } else {
    for (const pid_t other : names_in("/proc"))
      if (const auto stat = stat_of(other); stat && stat->parent == pid) out.push_back(other);
  }
  return out;
}

// Orphans are given to the first thread of the subreaper. What other threads started themselves are main programs, which
// their supervisors reap.
std::vector<pid_t> own_children() {
  static const std::string path = "/proc/self/task/" + std::to_string(::getpid()) + "/children";
  static const bool listed = ::access(path.c_str(), R_OK) == 0;
  return listed ? numbers(read_file(path)) : children_of(::getpid());
}

std::string_view token_in(std::string_view environment) {
  for (std::size_t at = 0; at < environment.size();) {
    const auto entry = environment.substr(at, environment.find('\0', at) - at);
    if (entry.starts_with(kTokenVariable)) return entry.substr(kTokenVariable.size());
    at += entry.size() + 1;
  }
  return {};
}
std::string environment_of(pid_t pid) { return read_file("/proc/" + std::to_string(pid) + "/environ"); }

// Sends SIGKILL if the process still is what `is_ours` wants, looked at while its pid cannot be used again.
template <class F>
bool kill_if(pid_t pid, F&& is_ours) {
  const Descriptor fd{static_cast<int>(::syscall(SYS_pidfd_open, pid, 0))};
  return fd && is_ours(pid) && ::syscall(SYS_pidfd_send_signal, fd.get(), SIGKILL, nullptr, 0) == 0;
}

void kill_tree(pid_t pid, pid_t parent, int depth) {
  const auto below = depth < 1000 ? children_of(pid) : std::vector<pid_t>{};
  kill_if(pid, [&](pid_t p) {
    const auto stat = stat_of(p);
    return stat && stat->parent == parent;
  });
  for (const pid_t child : below) kill_tree(child, pid, depth + 1);  // One that escapes becomes ours: next round.
}

}  // namespace

void become_subreaper() { ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); }

int sweep(pid_t group, const std::string& token, const MainPrograms& live) {
  int found = 0;
  const pid_t us = ::getpid(), our_group = ::getpgrp();
  for (const pid_t child : own_children()) {
    if (live.contains(child)) continue;
    const auto stat = stat_of(child);
    if (!stat || stat->parent != us || stat->group == our_group) continue;  // Somebody else's child in this process.
    if (stat->state == 'Z') {
      ::waitpid(child, nullptr, WNOHANG);
      continue;
    }
    const std::string environment = environment_of(child);
    const auto theirs = token_in(environment);
    if (stat->group != group && theirs != token && !(live.empty() && theirs.empty())) continue;
    ++found;
    kill_tree(child, us, 0);
  }
  return found;
}

int sweep_everything() {
  int found = 0;
  const pid_t us = ::getpid();
  for (const pid_t child : own_children()) {
    if (::waitpid(child, nullptr, WNOHANG) != 0) continue;
    ++found;
    kill_tree(child, us, 0);
  }
  return found;
}

int end_leftovers(const std::string& prefix, const std::function<bool()>& still) {
  std::set<pid_t> ended;
  for (int round = 0; round < 400; ++round) {
    int found = 0;
    for (const pid_t pid : names_in("/proc")) {
      if (pid == ::getpid()) continue;
      found += kill_if(pid, [&](pid_t p) {
        const std::string environment = environment_of(p);
        if (!token_in(environment).starts_with(prefix) || !still()) return false;
        ended.insert(p);
        return true;
      });
    }
    if (found == 0) break;
    ::usleep(5000);
  }
  return static_cast<int>(ended.size());
}

Result<Cgroups> Cgroups::open(const std::string& name) {
  const auto refuse = [](const std::string& why) {
    return Error{Error::Code::unreachable, "no cgroup for each trial: " + why,
                 "trials are contained by a sweep of /proc instead; with systemd, `systemd-run --user --scope -p Delegate=yes tune …` gives one"};
  };
  // 36 35 0:30 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw
  std::string mount;
  const std::string mounts = read_file("/proc/self/mountinfo");
  for (std::size_t at = 0; at < mounts.size();) {
    const auto end = std::min(mounts.find('\n', at), mounts.size());
    const std::string line = mounts.substr(at, end - at);
    at = end + 1;
    if (line.find(" - cgroup2 ") == std::string::npos) continue;
    std::size_t field = 0;
    for (int i = 0; i < 4; ++i) field = line.find(' ', field) + 1;
    mount = line.substr(field, line.find(' ', field) - field);
  }
  if (mount.empty()) return refuse("cgroup v2 is not mounted");
  std::string own = read_file("/proc/self/cgroup");
  const auto v2 = own.find("0::");
  if (v2 == std::string::npos) return refuse("this process is in no cgroup v2");
  own = own.substr(v2 + 3, own.find('\n', v2) - v2 - 3);
  Cgroups made(mount + (own == "/" ? "" : own) + "/tune-" + name);
  if (::mkdir(made.path_.c_str(), 0755) != 0 && errno != EEXIST) return refuse(made.path_ + ": " + std::strerror(errno));
  made.folder_.reset(::open(made.path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!made.folder_) return refuse(made.path_ + ": " + std::strerror(errno));
  // What a killed tune left in it.
  if (DIR* stream = ::opendir(made.path_.c_str())) {
    while (const dirent* entry = ::readdir(stream))
      if (entry->d_type == DT_DIR && entry->d_name[0] != '.') {
        made.kill(entry->d_name);
        for (int i = 0; i < 200 && !made.remove(entry->d_name); ++i) ::usleep(5000);
      }
    ::closedir(stream);
  }
  // The controllers are a bonus: where ours are not delegated these writes fail.
  write_file(AT_FDCWD, made.path_ + "/../cgroup.subtree_control", "+memory");
  made.limits_memory_ = write_file(made.folder_.get(), "cgroup.subtree_control", "+memory");
  const Descriptor trial = made.make("probe", 0);
  if (!trial) return refuse(made.path_ + ": " + std::strerror(errno));
  const bool kills = ::faccessat(trial.get(), "cgroup.kill", W_OK, 0) == 0;
  made.remove("probe");
  if (!kills) return refuse("the kernel has no cgroup.kill (5.14 has)");
  return made;
}

Cgroups::~Cgroups() {
  if (folder_) ::rmdir(path_.c_str());
}

Descriptor Cgroups::make(const std::string& attempt, std::int64_t memory_bytes) const {
  if (::mkdirat(folder_.get(), attempt.c_str(), 0755) != 0 && errno != EEXIST) return {};
  if (limits_memory_ && memory_bytes > 0)
    write_file(folder_.get(), attempt + "/memory.max", std::to_string(memory_bytes));
  return Descriptor{::openat(folder_.get(), attempt.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
}

void Cgroups::kill(const std::string& attempt) const { write_file(folder_.get(), attempt + "/cgroup.kill", "1"); }

bool Cgroups::remove(const std::string& attempt) const {
  return ::unlinkat(folder_.get(), attempt.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool Cgroups::ran_out_of_memory(const std::string& attempt) const {
  const std::string events = read_file(path_ + "/" + attempt + "/memory.events");
  const auto at = events.find("oom_kill ");
  return at != std::string::npos && events.substr(at + 9, 2) != "0\n";
}

std::optional<std::int64_t> oom_kills() {
  const std::string text = read_file("/proc/vmstat");
  const auto at = text.find("\noom_kill ");
  if (at == std::string::npos) return std::nullopt;
  std::int64_t count = 0;
  std::from_chars(text.data() + at + 10, text.data() + text.size(), count);
  return count;
}

}  // namespace tune
