// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/guard.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <string_view>

#include "executors/clock.hpp"
#include "executors/process/containment.hpp"
#include "executors/process/report_line.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

constexpr std::size_t kLongestLine = 64 * 1024;
constexpr int kRounds = 20;  // Of ending what is left, each of up to two seconds.

/// The guard's own life.
class Watch {
 public:
  Watch(Descriptor line, std::string mark) : line_(std::move(line)), prefix_(std::move(mark) + "#") {}

  /// Returns what was told when the agent is dead; does not return when it ended well.
  std::string until_its_death() {
    for (LineCutter lines(kLongestLine);;) {
      pollfd ready{line_.get(), POLLIN, 0};
      const double left = until_ > 0 ? std::clamp((until_ - boot_seconds()) * 1000, 0.0, 1e6) : -1;
      const int n = ::poll(&ready, 1, left < 0 ? -1 : static_cast<int>(left) + 1);
      if (n == 0 && boot_seconds() >= until_) end_overdue();
      if (n <= 0) continue;
      char bytes[4096];
      const auto got = ::read(line_.get(), bytes, sizeof bytes);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) return told_;
      lines.feed({bytes, static_cast<std::size_t>(got)}, [this](std::string_view line) { hear(line); });
    }
  }
  void end_trials() const {
    for (int round = 0; round < kRounds && end_leftovers(prefix_) > 0; ++round) {
    }
  }

 private:
  /// The agent had to end them, and did not. Should it come to its senses, its attempts are given away; what it starts by a
  /// new lease is not ours to end, and of that lease it tells us first.
  void end_overdue() {
    const auto silent = [this] {
      pollfd said{line_.get(), POLLIN, 0};
      return ::poll(&said, 1, 0) == 0;
    };
    end_leftovers(prefix_, silent);
    if (silent()) until_ = 0;
  }
  void hear(std::string_view line) {
    if (line == "end") ::_exit(0);
    if (line.starts_with("until ")) {
      double until = 0;
      line.remove_prefix(6);
      if (std::from_chars(line.data(), line.data() + line.size(), until).ec == std::errc{}) until_ = until;
    } else if (line.starts_with("told ")) {
      told_ = line.substr(5);
    }
  }

  Descriptor line_;
  const std::string prefix_;
  double until_ = 0;  // 0: for ever.
  std::string told_;
};

[[noreturn]] void guard(Descriptor line, const std::string& mark, const std::function<void(const std::string&)>& bury) {
  ::setsid();  // Ctrl-C is for the agent.
  for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGPIPE}) ::signal(s, SIG_IGN);
  ::prctl(PR_SET_NAME, "tune-guard");
  Watch watch(std::move(line), mark);
  const auto told = watch.until_its_death();
  watch.end_trials();
  bury(told);
  ::_exit(0);
}

}  // namespace

Result<Guard> Guard::start(const std::string& mark, std::function<void(const std::string&)> bury) {
  int ends[2];
  const auto trouble = [](const char* what) { return Error{Error::Code::io, std::string{"cannot start the agent's guard: "} + what, {}}; };
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) return trouble(std::strerror(errno));
  Descriptor ours{ends[0]}, its{ends[1]};
  const pid_t pid = ::fork();
  if (pid < 0) return trouble(std::strerror(errno));
  if (pid == 0) {
    ours.reset(-1);
    // The first child ends at once, so that nobody has to wait for the guard.
    if (::fork() != 0) ::_exit(0);
    guard(std::move(its), mark, bury);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return Guard(std::move(ours));
}

Guard::~Guard() {
  if (!line_) return;
  static constexpr std::string_view end = "end\n";
  [[maybe_unused]] const auto sent = ::send(line_.get(), end.data(), end.size(), MSG_NOSIGNAL);
}

void Guard::living(double until) const {
  const std::string line = "until " + to_text(until) + "\n";
  [[maybe_unused]] const auto sent = ::send(line_.get(), line.data(), line.size(), MSG_NOSIGNAL);
}

void Guard::tell(const std::string& line) const {
  const std::string whole = "told " + line + "\n";
  [[maybe_unused]] const auto sent = ::send(line_.get(), whole.data(), whole.size(), MSG_NOSIGNAL);
}

}  // namespace tune
