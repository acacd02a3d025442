// SPDX-License-Identifier: Apache-2.0
#include "executors/process/launcher.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>

using tune::Launcher;

namespace {
// Runs `script` in sh with the pipe and socket that a trial gets; what it printed.
std::string run(const std::string& script, const char* cwd = nullptr, bool channel = true) {
  Launcher launcher;
  int pipe[2], pair[2];
  REQUIRE(::pipe2(pipe, O_CLOEXEC) == 0);
  REQUIRE(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
  const char* argv[] = {"sh", "-c", script.c_str(), nullptr};
  const char* env[] = {"PATH=/usr/bin:/bin", nullptr};
  auto started = launcher.start({"/bin/sh", argv, env, cwd, pipe[1], pipe[1], channel ? pair[1] : -1});
  ::close(pipe[1]), ::close(pair[1]);
  REQUIRE(started.error == 0);
  std::string out;
  char buffer[4096];
  for (ssize_t n; (n = ::read(pipe[0], buffer, sizeof buffer)) > 0;) out.append(buffer, static_cast<std::size_t>(n));
  ::close(pipe[0]), ::close(pair[0]);
  siginfo_t info{};
  ::waitid(P_PIDFD, static_cast<id_t>(started.pidfd.get()), &info, WEXITED);
  return out;
}
tune::Launched fail(const char* path, const char* cwd) {
  Launcher launcher;
  const char* argv[] = {path, nullptr};
  const char* env[] = {nullptr};
  return launcher.start({path, argv, env, cwd});
}
}  // namespace

TEST_CASE("a child has descriptors 0 to 3 only, and no signal blocked or ignored", "[launcher]") {
  ::signal(SIGHUP, SIG_IGN);
  const int leak = ::open("/dev/null", O_RDONLY);
  const std::string list = "for n in $(seq 0 100); do [ -e /proc/$$/fd/$n ] && echo -n \"$n \"; done";
  CHECK(run(list) == "0 1 2 3 ");
  CHECK(run(list, nullptr, false) == "0 1 2 ");
  CHECK(run("grep -cE 'Sig(Blk|Ign):\\s0+$' /proc/self/status") == "2\n");
  ::close(leak);
  ::signal(SIGHUP, SIG_DFL);
}

TEST_CASE("a child leads its own process group, reads end of file, leaves no core and is first for the OOM killer", "[launcher]") {
  CHECK(run("set -- $(cut -d' ' -f1,5 /proc/$$/stat); [ $1 = $2 ] && echo group") == "group\n");
  CHECK(run("cat; ulimit -c; umask; cat /proc/self/oom_score_adj") == "0\n0077\n500\n");
  CHECK(run("pwd", "/usr") == "/usr\n");
}

TEST_CASE("errors before and at exec come back exactly", "[launcher]") {
  CHECK(fail("/no/such", nullptr).error == ENOENT);
  CHECK(std::string{fail("/etc/passwd", nullptr).step} == "exec");
  CHECK(fail("/etc/passwd", nullptr).error == EACCES);
  CHECK(std::string{fail("/bin/true", "/nowhere").step} == "chdir");
}

TEST_CASE("programs are found as execvp finds them", "[launcher]") {
  CHECK(tune::find_program("sh", "/nowhere:/bin", "") == "/bin/sh");
  CHECK(tune::find_program("./sh", "/bin", "") == "./sh");
  CHECK(tune::find_program("sh", "bin", "/") == "//bin/sh");
  CHECK(tune::find_program("no-such-program", "/bin", "") == "no-such-program");
}
