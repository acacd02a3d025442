// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/program.hpp"

#include <signal.h>
#include <sys/wait.h>

#include <cerrno>

#include <catch2/catch.hpp>

#include "tests/support/scratch.hpp"

using namespace tune;

namespace {
Result<ProgramAnswer> sh(const std::string& script, const std::string& input = "", double limit = 30) {
  return run_program({{"sh", "-c", script}, input, Duration{limit}});
}
}  // namespace

TEST_CASE("a program's output, errors and exit code come back apart", "[engines]") {
  const auto answer = sh("echo out; echo err >&2; exit 3");
  REQUIRE(answer);
  CHECK(answer->out == "out\n");
  CHECK(answer->err == "err\n");
  CHECK(answer->exit_code == 3);
  CHECK_FALSE(answer->good());
}

TEST_CASE("a program reads its input to the end", "[engines]") {
  const std::string input(300'000, 'x');
  const auto answer = sh("cat", input);
  REQUIRE(answer);
  CHECK(answer->out == input);
  CHECK(sh("cat")->out == "");
}

TEST_CASE("no shell sees an argument", "[engines]") {
  CHECK(run_program({{"printf", "%s", "$(false) `x` '"}})->out == "$(false) `x` '");
}

TEST_CASE("what is added to the environment replaces what is there", "[engines]") {
  ::setenv("TUNE_TEST_WORD", "ours", 1);
  CHECK(run_program({{"sh", "-c", "echo $TUNE_TEST_WORD"}, "", Duration{30}, {{"TUNE_TEST_WORD", "theirs"}}})->out == "theirs\n");
  CHECK(sh("echo $TUNE_TEST_WORD")->out == "ours\n");
  ::unsetenv("TUNE_TEST_WORD");
}

TEST_CASE("output beyond a MiB is read and dropped", "[engines]") {
  const auto answer = sh("head -c 3000000 /dev/zero; echo end >&2");
  REQUIRE(answer);
  CHECK(answer->out.size() == kProgramOutput);
  CHECK(answer->cut);
  CHECK(answer->err == "end\n");
}

TEST_CASE("a program that does not answer is ended with all of its group, and leaves no zombie", "[engines]") {
  Scratch scratch;
  const auto answer = run_program({{"sh", "-c", "sleep 1000 & echo $! > pid; echo half; wait"}, "", Duration{2}, {}, scratch.path()});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Error::Code::unreachable);
  CHECK(answer.error().message == "sh did not answer within 2s: half");
  CHECK((::waitpid(-1, nullptr, WNOHANG) == -1 && errno == ECHILD));
  // The grandchild is init's now; it is gone as soon as init looked.
  CHECK(sh("i=0; while kill -0 " + std::string{"$(cat '"} + (scratch / "pid") + "') 2>/dev/null && [ $i -lt 100 ]; do sleep 0.1; i=$((i+1)); done; echo $i")->out != "100\n");
}

TEST_CASE("a daemon that keeps the output open keeps nobody waiting", "[engines]") {
  const auto answer = sh("sleep 1000 & echo $!");
  REQUIRE(answer);
  ::kill(std::stoi(answer->out), SIGKILL);
}

TEST_CASE("the end by a signal is told", "[engines]") {
  const auto answer = sh("kill -9 $$");
  REQUIRE(answer);
  CHECK(answer->signal == 9);
  CHECK(last_words(*answer) == "it was ended by signal 9");
}

TEST_CASE("a program that is not there is named", "[engines]") {
  const auto answer = run_program({{"no-such-program-of-ours"}});
  REQUIRE_FALSE(answer);
  CHECK(answer.error().code == Error::Code::not_found);
  CHECK(answer.error().message.find("no-such-program-of-ours") == 0);
}

TEST_CASE("the last words are those of stderr, in one line and harmless to a terminal", "[engines]") {
  CHECK(last_words(*sh("echo a >&2; printf 'b\\033[2J' >&2; echo no")) == "a; b\\x1b[2J");
  CHECK(last_words(*sh("echo only; exit 2")) == "only");
  CHECK(last_words(*sh("exit 2")) == "exit code 2");
}
