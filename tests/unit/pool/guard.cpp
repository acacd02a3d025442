// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/guard.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <thread>

#include "executors/clock.hpp"
#include "executors/process/containment.hpp"

using namespace tune;

namespace {

/// A process that bears a trial's token by now, and does nothing.
pid_t trial(const std::string& token) {
  const std::string variable = std::string{kTokenVariable} + token;
  int begins[2];
  REQUIRE(::pipe2(begins, O_CLOEXEC) == 0);
  const pid_t pid = ::fork();
  REQUIRE(pid >= 0);
  if (pid > 0) {
    char none = 0;
    ::close(begins[1]);
    REQUIRE(::read(begins[0], &none, 1) == 0);  // Its end is closed when the program begins.
    ::close(begins[0]);
    return pid;
  }
  const char* const argv[] = {"sleep", "60", nullptr};
  const char* const env[] = {variable.c_str(), nullptr};
  ::execve("/bin/sleep", const_cast<char* const*>(argv), const_cast<char* const*>(env));
  ::_exit(127);
}

}  // namespace

TEST_CASE("a guard ends the trials whose time is over, and none that is started by a new lease", "[pool]") {
  const std::string mark = "guard-test-" + std::to_string(::getpid());
  auto guard = Guard::start(mark, [](const std::string&) {});
  REQUIRE(guard);
  for (int round = 0; round < 20; ++round) {
    const pid_t old = trial(mark + "#1#1");
    guard->living(boot_seconds() + 0.02);
    int status = 0;
    REQUIRE(::waitpid(old, &status, 0) == old);
    REQUIRE((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
    guard->living(boot_seconds() + 60);  // While it still looks for more of the old ones.
    const pid_t fresh = trial(mark + "#2#1");
    std::this_thread::sleep_for(std::chrono::milliseconds{30});
    const bool lives = ::waitpid(fresh, &status, WNOHANG) == 0;
    ::kill(fresh, SIGKILL);
    if (lives) ::waitpid(fresh, &status, 0);
    INFO("round " << round);
    REQUIRE(lives);
  }
}
