// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "executors/descriptor.hpp"
#include "tuner/result.hpp"

/// Nothing that a trial started outlives it. Two ways, both without root:
///
/// *Sweep* (always): we are the subreaper, so whatever loses its parent below us becomes our child; it is told apart from
/// other trials' by its process group or by TUNE_ATTEMPT_TOKEN in its environment. When nothing is left, finding that out
/// costs one small read.
/// *Cgroup* (executor.isolate = "cgroup", where the system lets us): one folder an attempt, one write kills all of it, at
/// about 30 us a trial. It also brings memory.max and exact word of an out-of-memory kill where that controller is ours.
///
/// Not contained: a process that left the group *and* wiped its environment, while other trials run; it is ended as soon
/// as none does. A process that changed its user.
namespace tune {

inline constexpr std::string_view kTokenVariable = "TUNE_ATTEMPT_TOKEN=";

/// Makes orphans below us our children. For the whole process, once.
void become_subreaper();

/// The first programs of all attempts that are live in this process, of whichever experiment. As long as one of these
/// exists it holds up the others: a program is started, reaped or searched for by one thread at a time, so that nobody
/// takes a program that is being started, or one that its supervisor has yet to reap, for something left behind.
class MainPrograms {
 public:
  MainPrograms() : lock_(mutex_) {}
  void insert(pid_t pid) { pids_.insert(pid); }
  void erase(pid_t pid) { pids_.erase(pid); }
  bool contains(pid_t pid) const { return pids_.contains(pid); }
  bool empty() const { return pids_.empty(); }

 private:
  static inline std::mutex mutex_;
  static inline std::set<pid_t> pids_;
  std::lock_guard<std::mutex> lock_;
};

/// Kills (SIGKILL) whatever of one ended attempt is among our children, with their descendants, and reaps what has died.
/// `group` is the attempt's main pid, already reaped; the main programs of others are left alone. How many were still
/// there: call again in a millisecond until 0. When no attempt is live, orphans that cannot be told apart go as well.
int sweep(pid_t group, const std::string& token, const MainPrograms&);

/// As sweep(), but whatever is below us: for a process that stands for one attempt.
int sweep_everything();

/// Kills every process of this user whose token begins with `prefix`: what a killed tune left behind. Blocks until they are
/// gone, at most 2 s. How many there were. `still` is asked after each was seen and before it is killed; false: it lives.
int end_leftovers(const std::string& prefix, const std::function<bool()>& still = [] { return true; });

/// A folder of cgroups, one an attempt.
class Cgroups {
 public:
  /// Below our own cgroup v2. Error where the system does not allow it (told once to the user, who asked for it).
  static Result<Cgroups> open(const std::string& name);
  Cgroups(Cgroups&&) = default;
  Cgroups& operator=(Cgroups&&) = default;
  ~Cgroups();

  /// Folder of a new cgroup (what the launcher wants). Empty with errno on trouble. `memory_bytes` 0: no limit.
  Descriptor make(const std::string& attempt, std::int64_t memory_bytes) const;
  void kill(const std::string& attempt) const;
  /// False while something in it still lives.
  bool remove(const std::string& attempt) const;
  /// The kernel killed something in it for memory. Ask before remove().
  bool ran_out_of_memory(const std::string& attempt) const;

 private:
  explicit Cgroups(std::string path) : path_(std::move(path)) {}
  std::string path_;
  Descriptor folder_;
  bool limits_memory_ = false;
};

/// Out-of-memory kills on this machine since boot; nullopt where the kernel does not count them.
std::optional<std::int64_t> oom_kills();

}  // namespace tune
