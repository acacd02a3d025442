// SPDX-License-Identifier: Apache-2.0
// Programs with bad manners: each has its cause, and nothing of it survives.
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <fstream>

#include "tests/unit/executors/rig.hpp"

using namespace tune;

TEST_CASE("every way to end has its cause", "[process][hostile]") {
  struct Case {
    const char *mode, *argument;
    Cause cause;
  };
  const auto c = GENERATE(Case{"exit0_noresult", "", Cause::done}, Case{"exit", "75", Cause::preempted},
                          Case{"exit", "77", Cause::infeasible}, Case{"exit", "3", Cause::exit},
                          Case{"segv", "", Cause::signal}, Case{"close_fds", "", Cause::done});
  auto rig = Rig::probe(c.mode, c.argument);
  const auto& exited = rig.run();
  INFO(c.mode << " " << c.argument << ": " << exited.text);
  CHECK(exited.cause == c.cause);
  CHECK(rig.all_are_gone());
}

TEST_CASE("a program that the system ends for want of memory has cause oom", "[process][hostile]") {
  // A memory group of the older kind, which a root user of a plain machine can make; elsewhere there is nothing to test with.
  const std::string group = "/sys/fs/cgroup/memory/tune-test-" + std::to_string(::getpid());
  if (::mkdir(group.c_str(), 0700) != 0) {
    WARN("SKIP: no memory control group can be made here");
    return;
  }
  std::ofstream{group + "/memory.limit_in_bytes"} << (64 << 20);
  {
    Rig rig({"sh", "-c", "echo 0 >" + group + "/tasks && exec " TUNE_PROBE " oom"});
    const auto& exited = rig.run();
    INFO(exited.text);
    CHECK(exited.cause == Cause::oom);
    CHECK(rig.all_are_gone());
  }
  ::rmdir(group.c_str());
}

TEST_CASE("a program that does not exist or may not be run says so at once", "[process][hostile]") {
  Rig rig({"./no-such-program"});
  CHECK(rig.run().cause == Cause::exec);
  CHECK(rig.exit_of(0).text == "No such file or directory: ./no-such-program");
  Rig forbidden({"/etc/passwd"});
  CHECK(forbidden.run().cause == Cause::exec);
  Rig nowhere({"true"});
  nowhere.spec.cwd = "/nowhere";
  CHECK(nowhere.run().text == "No such file or directory: folder /nowhere");
}

TEST_CASE("time limits end a program that hangs, also one that ignores the signal", "[process][hostile]") {
  auto rig = Rig::probe(GENERATE("hang", "ignore_term"));
  rig.spec.shutdown.grace = Duration{0.05};
  const bool silence = GENERATE(false, true);
  (silence ? rig.spec.stop.trial_idle : rig.spec.stop.trial_time) = Duration{0.05};
  CHECK(rig.run().cause == (silence ? Cause::silence : Cause::timeout));
  CHECK(rig.all_are_gone());
}

TEST_CASE("children that left the group, the session and their parent end with the trial", "[process][hostile]") {
  for (const char* mode : {"double_fork", "hold_stdout"}) {
    auto rig = Rig::probe(mode);
    CHECK(rig.run().cause == Cause::done);
    CHECK(rig.values() == std::vector<double>{0.5});
    CHECK(rig.all_are_gone());
  }
  auto rig = Rig::probe("setsid_tree");
  rig.spec.shutdown.grace = Duration{0.05};
  rig.launch(0);
  rig.until([&] { return rig.all<Reported>().size() == 1; });
  rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}});
  CHECK(rig.exit_of(0).cause == Cause::stopped);
  CHECK(rig.all_are_gone());
}

TEST_CASE("the sweep of one trial leaves another's children alone", "[process][hostile]") {
  Rig rig({"sh", "-c", "if [ $TUNE_TRIAL_NUMBER = 0 ]; then (sleep 600 &) ; exit 0; else setsid sleep 600 & wait; fi"});
  rig.launch(1), rig.launch(0);
  rig.exit_of(0);
  CHECK(rig.survivors() >= 1);
  rig.carry_out(Stop{{1}, 1, TrialState::stopped, {}});
  rig.exit_of(1);
  CHECK(rig.all_are_gone());
}

TEST_CASE("destroying the executor ends everything", "[process][hostile]") {
  auto rig = Rig::probe("setsid_tree");
  rig.launch(0), rig.launch(1);
  rig.until([&] { return rig.all<Reported>().size() == 2; });
  rig.close();
  CHECK(rig.all_are_gone());
}

TEST_CASE("what a killed tune left running ends when the next one opens", "[process][hostile]") {
  auto rig = Rig::probe("setsid_tree");
  int ready[2];
  REQUIRE(::pipe(ready) == 0);
  const pid_t tune = ::fork();
  if (tune == 0) {
    rig.launch(0);
    rig.until([&] { return !rig.all<Reported>().empty(); });
    if (::write(ready[1], "x", 1) == 1) ::pause();
    ::_exit(0);
  }
  char byte;
  REQUIRE(::read(ready[0], &byte, 1) == 1);
  ::kill(tune, SIGKILL);
  ::waitpid(tune, nullptr, 0);
  CHECK(rig.survivors() >= 4);  // Who left its group ignores the death of its parent.
  rig.executor();
  CHECK(rig.all_are_gone());
  ::close(ready[0]), ::close(ready[1]);
}

TEST_CASE("a control group of its own contains a trial, where the system allows one", "[process][hostile]") {
  auto rig = Rig::probe("setsid_tree");
  rig.spec.executor.options.set("isolate", std::string{"cgroup"});
  rig.spec.shutdown.grace = Duration{0.05};
  rig.launch(0);
  rig.until([&] { return !rig.all<Reported>().empty(); });
  rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}});
  CHECK(rig.exit_of(0).cause == Cause::stopped);
  CHECK(rig.all_are_gone());
  if (!rig.all<Warned>().empty()) WARN("no cgroup here: " << rig.all<Warned>().front().text);
}

TEST_CASE("output without end is kept to a bounded size, first and last part", "[process][hostile]") {
  auto rig = Rig::probe("spam");
  CHECK(rig.run().cause == Cause::done);
  CHECK(rig.values().size() == 1);
  CHECK(rig.file("0/1/stdout.log").size() == 1 << 20);
  const auto kept = rig.file("0/1/stdout.tail.log").size() + rig.file("0/1/stdout.tail.1.log").size();
  CHECK((kept >= 7 << 19 && kept <= 7 << 20));
}

TEST_CASE("a line without end is cut with a mark", "[process][hostile]") {
  auto rig = Rig::probe("longline");
  CHECK(rig.run().cause == Cause::done);
  const auto rest = rig.file("0/1/stdout.tail.log");
  CHECK(rest == "\n[tune: this line was cut after 1 MiB]\n");
}

TEST_CASE("what is no report is counted and told, twice at most, and harms nothing", "[process][hostile]") {
  for (const char* mode : {"badutf8", "huge_line", "garbage"}) {
    auto rig = Rig::probe(mode);
    INFO(mode);
    CHECK(rig.run().cause == Cause::done);
    CHECK(rig.values() == std::vector<double>{0.5});
    CHECK((rig.all<Warned>().size() >= 1 && rig.all<Warned>().size() <= 2));
  }
}

TEST_CASE("values that are no numbers arrive as they are", "[process][hostile]") {
  auto nan = Rig::probe("nan"), inf = Rig::probe("inf");
  nan.run(), inf.run();
  CHECK((std::isnan(nan.values().at(0)) && std::isnan(nan.values().at(1))));
  CHECK(inf.values() == std::vector<double>{INFINITY, -INFINITY});
}

TEST_CASE("steps that go back are delivered in order of arrival, with one warning", "[process][hostile]") {
  auto rig = Rig::probe("out_of_order");
  rig.run();
  CHECK(rig.steps() == std::vector<std::int64_t>{5, 3, 9});
  CHECK(rig.all<Warned>().size() == 1);
}

TEST_CASE("a program that goes on after a stop is stopped all the same", "[process][hostile]") {
  auto rig = Rig::probe("after_stop");
  rig.acknowledges = false;
  rig.launch(0);
  rig.until([&] { return !rig.all<Reported>().empty(); });
  rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}});
  rig.executor().acknowledge(rig.all<Reported>().front());
  CHECK(rig.exit_of(0).cause == Cause::stopped);
}

TEST_CASE("a checkpoint outside its folder is refused and the trial goes on", "[process][hostile]") {
  auto rig = Rig::probe("bad_checkpoint");
  rig.spec.checkpoint = CheckpointSpec{};
  CHECK(rig.run().cause == Cause::done);
  CHECK(rig.all<Checkpointed>().empty());
  CHECK(rig.all<Warned>().size() == 1);
}

TEST_CASE("a slow reader makes trials wait and loses nothing", "[process][hostile]") {
  auto rig = Rig::probe("steps", "20000");
  rig.run();
  const auto reports = rig.all<Reported>();
  REQUIRE(reports.size() == 20000);
  CHECK((reports.back().seq == 20000 && reports.back().step == 20000));
}

TEST_CASE("two experiments of one process do not take each other's programs for something left behind", "[hostile]") {
  // Each attempt of one ends while the other starts, runs and reaps its own: a wrong sweep would kill or reap those.
  const auto race = [](Rig& rig, std::vector<Cause>& causes) {
    for (std::int64_t i = 0; i < 60; ++i) rig.launch(i);
    rig.until([&] { return rig.all<Exited>().size() == 60; });
    for (const auto& exited : rig.all<Exited>()) causes.push_back(exited.cause);
    rig.close();  // On the thread that launched: the kernel kills a thread's programs with it.
  };
  std::vector<Cause> causes[2];
  Rig rigs[2] = {Rig::probe("steps", "3"), Rig::probe("once")};
  std::thread threads[2];
  for (int i = 0; i < 2; ++i) {
    rigs[i].spec.parallel = 8;
    rigs[i].executor();  // What Catch is asked is asked on this thread.
    threads[i] = std::thread([&, i] { race(rigs[i], causes[i]); });
  }
  for (auto& thread : threads) thread.join();
  for (const auto& all : causes) CHECK(all == std::vector<Cause>(60, Cause::done));
  for (const auto& rig : rigs) CHECK(rig.all_are_gone());
}
