// SPDX-License-Identifier: Apache-2.0
#include "executors/process/rank_program.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <thread>

#include "executors/private_folder.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/ending.hpp"
#include "tuner/value.hpp"

namespace tune::detail {
namespace {

constexpr int kNotFound = 127, kCannotRun = 126;
constexpr auto kPatience = std::chrono::seconds(2);
constexpr auto kPause = std::chrono::milliseconds(1);

sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  ::sigemptyset(&set);
  for (const int s : signals) ::sigaddset(&set, s);
  return set;
}

Descriptor log_of(const RanksPlan& plan, int rank, const char* which) {
  const std::string path = plan.folder + "/rank-" + std::to_string(rank) + "." + which + ".log";
  Descriptor file{::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600)};
  if (!file) complain("cannot write " + path + ": " + std::strerror(errno));
  return file;
}

}  // namespace

Descriptor hold_signals(std::initializer_list<int> read) {
  struct sigaction usual {};
  usual.sa_handler = SIG_DFL;
  usual.sa_flags = SA_NOCLDSTOP;
  ::sigaction(SIGCHLD, &usual, nullptr);  // If we inherited "ignore", the kernel would throw exit codes away.
  const auto held = set_of({SIGTERM, SIGINT, SIGUSR1, SIGUSR2, SIGCHLD}), wanted = set_of(read);
  ::sigprocmask(SIG_BLOCK, &held, nullptr);
  return Descriptor{::signalfd(-1, &wanted, SFD_NONBLOCK | SFD_CLOEXEC)};
}

pid_t start_rank(Launcher& launcher, const RanksPlan& plan, int rank, const std::vector<std::string>& program,
                 const std::vector<std::string>& env, Outlets outlets, RankEnd& end) {
  end.rank = rank;
  Descriptor out, err;
  if (rank != 0) {
    out = log_of(plan, rank, "stdout"), err = log_of(plan, rank, "stderr");
    if (!out || !err) return end.number = kCannotRun, -1;
    outlets = {out.get(), err.get(), -1};
  }
  return start_program(launcher, program, environment_of_rank(plan, rank, env), outlets, end);
}

pid_t start_program(Launcher& launcher, const std::vector<std::string>& argv, const std::vector<std::string>& env, Outlets outlets, RankEnd& end) {
  Program ends;
  ends.out = outlets.out, ends.err = outlets.err, ends.channel = outlets.channel;
  const auto launched = launcher.start(argv, env, "", ends);
  if (launched.error == 0) return launched.pid;
  complain(printable(start_error_text(launched.step, launched.error, argv.front(), "")), outlets.err < 0 ? STDERR_FILENO : outlets.err);
  end.number = launched.error == ENOENT ? kNotFound : kCannotRun;
  return -1;
}

void signal_rank(pid_t pid, int signal) {
  ::kill(-pid, signal);
  if (::getpgid(pid) != pid) ::kill(pid, signal);  // It moved to another group.
}

void end_everything() {
  const auto until = std::chrono::steady_clock::now() + kPatience;
  while (sweep_everything() > 0 && std::chrono::steady_clock::now() < until) std::this_thread::sleep_for(kPause);
}

int end_likewise(const RankEnd& end) {
  if (!end.signalled) return end.number;
  ::prctl(PR_SET_DUMPABLE, 0);
  ::signal(end.number, SIG_DFL);
  const auto one = set_of({end.number});
  ::kill(::getpid(), end.number);
  ::sigprocmask(SIG_UNBLOCK, &one, nullptr);
  return 128 + end.number;  // Not of its own accord: a signal that ends nobody.
}

void complain(const std::string& what, int to) { ::dprintf(to, "error: %s\n", what.c_str()); }

}  // namespace tune::detail
