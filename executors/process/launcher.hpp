// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/resource.h>
#include <sys/types.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "executors/descriptor.hpp"

namespace tune {

/// What to start and with which ends of our pipes. All pointers are only read during Launcher::start.
struct Program {
  const char* path = nullptr;            ///< Resolved: PATH is not searched (see find_program).
  const char* const* argv = nullptr;     ///< Ends with nullptr, like env.
  const char* const* env = nullptr;
  const char* cwd = nullptr;             ///< nullptr: ours.
  int out = -1, err = -1;                ///< Become 1 and 2.
  int channel = -1;                      ///< Becomes 3; -1: the program starts with 0, 1 and 2 only.
  int cgroup = -1;                       ///< Folder of a cgroup v2 to be born in; -1: ours.
  int in = -1;                           ///< Becomes 0; -1: /dev/null does.
};

/// A child of ours. `error` is the errno of the step that failed ("chdir", "exec", …), exact and known at once; 0: it runs.
struct Launched {
  pid_t pid = -1;
  Descriptor pidfd;  ///< Readable when the child has ended. Never a stranger, even after pids were used again.
  int error = 0;
  const char* step = "";
};

/// Starts programs at the price of posix_spawn, however much memory we hold, and contained from their first instruction:
/// own process group, killed by the kernel when we die, no core file, umask 077, first in line for the OOM killer, every
/// signal at its default and unblocked, no descriptor of ours.
///
/// clone3 with CLONE_VM|CLONE_VFORK: the child runs on a small stack of ours, borrows our memory until exec and makes
/// nothing but system calls, so no lock, allocator or sanitizer notices. Where clone3 is missing or hidden by a seccomp
/// filter, clone() does the same in a few calls more.
///
/// One thread at a time. PDEATHSIG fires when the *thread* that called start() ends: call it from one that outlives the
/// programs that it starts. About 15 us of our time a start, plus the kernel's exec.
class Launcher {
 public:
  Launcher();
  ~Launcher();
  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  Launched start(const Program&);
  /// The same from texts: the program is searched for on the PATH of `env`, seen from `cwd` (empty: ours). The rest of
  /// `program` is as above.
  Launched start(const std::vector<std::string>& argv, const std::vector<std::string>& env, const std::string& cwd, Program program);

 private:
  struct Child;
  static int run(void* child);
  char* stack_;
  Descriptor null_;
  rlimit files_{};                   // Soft limit on descriptors that children get back after we raised ours.
  std::array<int, 64> reset_{};      // Signals that we ignore: exec would pass that on. Ends with 0.
  bool clone3_ = true;
};

/// Where execvp would find `name` with this PATH, seen from `cwd`; `name` itself if it has a slash or is nowhere (exec then
/// says what is wrong with it).
std::string find_program(const std::string& name, const char* path, const std::string& cwd);

/// Raises our own limit of open descriptors to the hard limit (four a trial). Children get the old soft limit back: programs
/// that use select() break above 1024.
void raise_descriptor_limit();

}  // namespace tune
