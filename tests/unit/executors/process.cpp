// SPDX-License-Identifier: Apache-2.0
// Real programs through the process executor: what a well-behaved one is given and told.
#include <sys/stat.h>

#include <cmath>
#include <csignal>

#include "tests/unit/executors/rig.hpp"

using namespace tune;

TEST_CASE("a program starts, reports and exits", "[process]") {
  auto rig = Rig::probe("steps", "3");
  const auto& exited = rig.run();
  CHECK(exited.cause == Cause::done);
  CHECK(exited.exit_code == 0);
  CHECK(exited.last_seq == 3);
  CHECK(rig.all<Started>().size() == 1);
  CHECK(rig.steps() == std::vector<std::int64_t>{1, 2, 3});
  CHECK(std::holds_alternative<Started>(rig.seen.front()));
  CHECK(std::holds_alternative<Exited>(rig.seen.back()));
}

TEST_CASE("the executor offers this machine once, before anything else", "[process]") {
  auto rig = Rig::probe("noop");
  rig.executor();
  REQUIRE(rig.opened.size() == 1);
  const auto& joined = std::get<WorkerJoined>(rig.opened.front());
  CHECK(joined.worker == WorkerId{0});
  CHECK(joined.offers.cpus == 4);
  CHECK(joined.offers.memory_bytes > 0);
}

TEST_CASE("parameters arrive as arguments, in the environment and as a file", "[process]") {
  auto rig = Rig::probe("params", "--lr=${lr}");
  rig.spec.env["OUT"] = "$TUNE_TRIAL_DIR";
  rig.spec.space = *Space::make({Dimension{"lr", Dimension::Kind::uniform, 0, 1, 0, 0, 0, {}, {}, {}, "", "", {}}});
  CHECK(rig.run().cause == Cause::done);
  CHECK(rig.file("0/1/stdout.log") == "{\"lr\":0.1} 0.1 --lr=0.1\n");
}

TEST_CASE("what is kept of a trial is for its user alone, whatever the umask", "[process]") {
  const auto before = ::umask(022);
  Rig rig({"sh", "-c", R"(for d in "$TUNE_TRIAL_DIR" "$TUNE_CHECKPOINT_DIR"; do cat "$1" > "$d/own"; done
                          echo '{"step":1,"loss":1,"checkpoint":"own"}' >&3; echo said)", "sh", "${params_file}"});
  rig.spec.checkpoint = CheckpointSpec{};
  CHECK(rig.run().cause == Cause::done);
  ::umask(before);
  using Seen = std::filesystem::perms;
  std::size_t kept = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(rig.scratch.path() / "store.d")) {
    if (entry.path().filename() == "own" || entry.is_symlink()) continue;
    INFO(entry.path());
    CHECK((entry.status().permissions() & (Seen::group_all | Seen::others_all)) == Seen::none);
    ++kept;
  }
  CHECK(kept >= 8);  // Folders of experiment, trial, attempt and checkpoints; parameters, output and a checkpoint.
}

TEST_CASE("launching the same attempt twice starts it once", "[process]") {
  auto rig = Rig::probe("once");
  rig.launch(0), rig.launch(0);
  rig.exit_of(0);
  rig.launch(0);
  rig.launch(1);
  rig.exit_of(1);
  CHECK(rig.all<Started>().size() == 2);
}

TEST_CASE("launches beyond the seats wait for one, resumed trials first", "[process]") {
  auto rig = Rig::probe("checkpoint");
  rig.spec.checkpoint = CheckpointSpec{};
  rig.spec.parallel = 1;
  rig.run();
  const auto saved = rig.all<Checkpointed>();
  REQUIRE(saved.size() == 1);
  rig.launch(1), rig.launch(2);
  auto resumed = rig.launch_of(3);
  resumed.from = saved.front().checkpoint;
  rig.carry_out(resumed);
  rig.exit_of(1), rig.exit_of(2), rig.exit_of(3);
  std::vector<std::int64_t> order;
  for (const auto& s : rig.all<Started>()) order.push_back(s.trial.value);
  CHECK(order == std::vector<std::int64_t>{0, 1, 3, 2});
}

TEST_CASE("a sync report is answered once it is durable, and not before", "[process]") {
  auto rig = Rig::probe("sync", "3");
  rig.acknowledges = false;
  rig.launch(0);
  for (std::int64_t seq = 1; seq <= 3; ++seq) {
    rig.until([&] { return rig.all<Reported>().size() == static_cast<std::size_t>(seq); });
    const auto more = rig.executor().wait(rig.executor().now() + Duration{0.02});
    CHECK(more.empty());
    rig.executor().acknowledge(rig.all<Reported>().back());
  }
  CHECK(rig.exit_of(0).cause == Cause::done);
}

TEST_CASE("a stop decided in the turn of a sync report is its answer", "[process]") {
  auto rig = Rig::probe("sync", "1000");
  rig.acknowledges = false;
  rig.launch(0);
  rig.until([&] { return !rig.all<Reported>().empty(); });
  rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}}, "rung 0: rank 3/3");
  rig.executor().acknowledge(rig.all<Reported>().front());
  CHECK(rig.exit_of(0).cause == Cause::stopped);
  CHECK(rig.all<Reported>().size() == 1);
  CHECK(rig.exit_of(0).exit_code == 0);
}

TEST_CASE("at the end of what was granted a sync report waits for the decision", "[process]") {
  auto rig = Rig::probe("sync", "1000");
  auto launch = rig.launch_of(0);
  launch.until_step = 2;
  rig.carry_out(launch);
  rig.until([&] { return rig.all<Reported>().size() == 2; });
  CHECK(rig.executor().wait(rig.executor().now() + Duration{0.02}).empty());
  rig.carry_out(Extend{{0}, 3, {}});
  rig.until([&] { return rig.all<Reported>().size() == 3; });
  rig.carry_out(Pause{{0}, 1, {}});
  CHECK(rig.exit_of(0).cause == Cause::paused);
  CHECK(rig.all<Reported>().size() == 3);
}

TEST_CASE("a checkpoint is safe before the exit is told, and comes back to the next attempt", "[process]") {
  auto rig = Rig::probe("checkpoint");
  rig.spec.checkpoint = CheckpointSpec{};
  rig.run();
  const auto saved = rig.all<Checkpointed>();
  REQUIRE(saved.size() == 1);
  CHECK((saved[0].step == 1 && saved[0].bytes == 8));
  rig.close();
  rig.spec.command[1] = "restore";
  auto again = rig.launch_of(1);
  again.from = saved[0].checkpoint;
  rig.carry_out(again);
  CHECK(rig.exit_of(1).cause == Cause::done);
  CHECK(rig.values().back() == 1);
}

TEST_CASE("a checkpoint that is damaged is told as lost, and nobody is blamed", "[process]") {
  auto rig = Rig::probe("restore");
  auto launch = rig.launch_of(0);
  launch.from = std::string(64, 'a');
  rig.carry_out(launch);
  CHECK(rig.exit_of(0).cause == Cause::refused);
  REQUIRE(rig.all<CheckpointLost>().size() == 1);
}

TEST_CASE("shutting down asks, and kills when told to", "[process]") {
  const bool kill = GENERATE(false, true);
  auto rig = Rig::probe(kill ? "ignore_term" : "hang");
  rig.launch(0), rig.launch(1);
  rig.until([&] { return rig.all<Started>().size() == 2; });
  rig.executor().shut_down(kill);
  CHECK(rig.exit_of(0).cause == Cause::shutdown);
  CHECK(rig.exit_of(1).cause == Cause::shutdown);
  CHECK(rig.all_are_gone());
}

TEST_CASE("who is asked to end by a signal is sent it once", "[process]") {
  // A signal of those that queue: two of them stay two, however soon one comes after the other.
  Rig rig({"python3", "-c", R"(
import signal
number = signal.SIGRTMIN
signal.pthread_sigmask(signal.SIG_BLOCK, [number])
print('::tune {"loss": 1}', flush=True)
signal.sigwait([number])
heard = 1
while signal.sigtimedwait([number], 0.1):
    heard += 1
print("heard", heard)
)"});
  rig.spec.shutdown.signal = SIGRTMIN;
  rig.launch(0);
  rig.until([&] { return !rig.all<Reported>().empty(); });
  rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}});
  CHECK(rig.exit_of(0).cause == Cause::stopped);
  CHECK(rig.file("0/1/stdout.log").find("heard 1\n") != std::string::npos);
}

TEST_CASE("a launch that still waits for a seat can be stopped", "[process]") {
  auto rig = Rig::probe("hang");
  rig.spec.parallel = 1;
  rig.launch(0), rig.launch(1);
  rig.carry_out(Stop{{1}, 1, TrialState::cancelled, {}});
  CHECK(rig.exit_of(1).cause == Cause::cancelled);
  rig.executor().shut_down(true);
  rig.exit_of(0);
}

TEST_CASE("lines on stdout, patterns and a result file are reports too", "[process]") {
  SECTION("stdout") {
    Rig rig({"sh", "-c", "echo noise; echo '::tune {\"loss\": 0.25}'; echo '::tune {\"loss\": 0.5'"});
    rig.run();
    CHECK(rig.values() == std::vector<double>{0.25});
    CHECK(rig.all<Warned>().size() == 1);
  }
  SECTION("regex") {
    Rig rig({"sh", "-c", "echo 'loss: 0.5'; echo 'acc = 0.9 %'; echo 'loss: 0.25'; echo 'acc = 0.95'; echo 'loss: nan'"});
    rig.spec.report.regex = {{"loss", "loss: (\\S+)"}, {"acc", "acc = ([0-9.]+)"}};
    rig.run();
    CHECK(rig.values().size() == 3);
    CHECK(rig.values("acc") == std::vector<double>{0.9, 0.95});
    CHECK(std::isnan(rig.values().back()));
  }
  SECTION("result file") {
    Rig rig({"sh", "-c", "echo '{\"loss\": 7,\n \"note\": \"x\"}' > result.json"});
    rig.spec.report.channel = ReportSpec::Channel::result_file;
    rig.spec.report.result_file = "result.json";
    rig.run();
    CHECK(rig.values() == std::vector<double>{7});
  }
  SECTION("Unix socket") {
    Rig rig({"python3", "-c",
             "import os, socket, json\n"
             "s = socket.socket(socket.AF_UNIX); s.connect(os.environ['TUNE_SOCK']); f = s.makefile('rw')\n"
             "f.write(json.dumps({'token': os.environ['TUNE_TOKEN']}) + '\\n')\n"
             "f.write('{\"step\": 4, \"loss\": 2, \"sync\": true}\\n'); f.flush()\n"
             "print(json.loads(f.readline())['cmd'])\n"});
    CHECK(rig.run().cause == Cause::done);
    CHECK(rig.values() == std::vector<double>{2});
    CHECK(rig.file("0/1/stdout.log") == "continue\n");
  }
}
