// SPDX-License-Identifier: Apache-2.0
// The protocol from the other side: the examples of docs/trial-protocol.md and the two reporters, as real programs.
#include <sys/wait.h>

#include <cstdlib>

#include "tests/unit/executors/rig.hpp"

using namespace tune;

namespace {

const char* const kBash = R"(
loss=10
for step in $(seq 81); do
  loss=$(awk -v l=$loss -v r=$TUNE_P_LR 'BEGIN{print l*(1-r)}')
  printf '{"step":%d,"loss":%s}\n' $step $loss >&$TUNE_FD
  sleep 0.01
  if read -t 0 <&$TUNE_FD && read -r cmd <&$TUNE_FD && [[ $cmd == *'"stop"'* ]]; then exit 0; fi
done)";

const char* const kPython = R"(
import json, os, socket
p = json.load(open(os.environ["TUNE_PARAMS"])); s = socket.socket(fileno=int(os.environ["TUNE_FD"])).makefile("rw")
for step in range(1, 82):
    loss = 10 * (1 - p["lr"]) ** step; print(json.dumps({"step": step, "loss": loss, "sync": True}), file=s, flush=True)
    if json.loads(s.readline())["cmd"] == "stop": break
)";

const std::string kModule = std::string{TUNE_SOURCE} + "/ui/python";

const char* const kPythonModule = R"(
import tune
step = int(open(tune.restore()).read()) if tune.restore() else 0
tune.event("ready", caps=["checkpoint"])
while step < 9:
    step += 1
    answer = tune.report(step, loss=tune.params()["lr"] / step)
    if answer.save:
        name = f"step-{step}"
        with open(f"{tune.checkpoint_folder()}/{name}", "w") as f: f.write(str(step))
        tune.saved(step, name)
    if answer.stop: break
)";

// Runs trial 0 and stops it at its `step`-th report, in the turn of that report.
const Exited& stop_at(Rig& rig, std::size_t step) {
  rig.acknowledges = false;
  rig.launch(0);
  for (std::size_t seen = 0; seen < step;) {
    rig.until([&] { return rig.all<Reported>().size() > seen; });
    seen = rig.all<Reported>().size();
    if (seen >= step) rig.carry_out(Stop{{0}, 1, TrialState::stopped, {}}, "rung 3");
    rig.executor().acknowledge(rig.all<Reported>().back());
  }
  return rig.exit_of(0);
}

}  // namespace

TEST_CASE("the bash example runs to its end, and stops when told to", "[languages]") {
  Rig rig({"bash", "-c", kBash});
  SECTION("end") {
    CHECK(rig.run().cause == Cause::done);
    CHECK(rig.steps().size() == 81);
  }
  SECTION("stop") {
    const auto& exited = stop_at(rig, 3);
    CHECK((exited.cause == Cause::stopped && exited.exit_code == 0));
    CHECK(rig.steps().size() < 81);
  }
}

TEST_CASE("the Python example runs to its end, and stops at the step that it reported", "[languages]") {
  Rig rig({"python3", "-c", kPython});
  SECTION("end") {
    CHECK(rig.run().cause == Cause::done);
    CHECK(rig.steps().size() == 81);
  }
  SECTION("stop") {
    const auto& exited = stop_at(rig, 27);
    CHECK((exited.cause == Cause::stopped && exited.exit_code == 0));
    CHECK(rig.steps().size() == 27);
  }
}

TEST_CASE("a C program with stdio runs to its end, and stops at the step that it reported", "[languages]") {
  auto rig = Rig::probe("sync", "81");
  const auto& exited = stop_at(rig, 27);
  CHECK((exited.cause == Cause::stopped && exited.exit_code == 0));
  CHECK(rig.steps().size() == 27);
}

TEST_CASE("the reporters of C++ and Python pause with a checkpoint and go on from it", "[languages]") {
  const bool cpp = GENERATE(true, false);
  Rig rig(cpp ? std::vector<std::string>{TUNE_REPORTER_PROBE} : std::vector<std::string>{"python3", "-c", kPythonModule});
  rig.spec.env["PYTHONPATH"] = kModule;
  rig.spec.checkpoint = CheckpointSpec{};
  rig.acknowledges = false;
  rig.launch(0);
  rig.until([&] { return rig.all<Reported>().size() == 1; });
  rig.executor().acknowledge(rig.all<Reported>().back());
  rig.until([&] { return rig.all<Reported>().size() == 2; });
  rig.carry_out(Pause{{0}, 1, {}});
  rig.executor().acknowledge(rig.all<Reported>().back());
  CHECK(rig.exit_of(0).cause == Cause::paused);
  const auto saved = rig.all<Checkpointed>();
  REQUIRE(saved.size() == 1);
  CHECK(saved[0].step == 2);

  rig.seen.clear();
  rig.acknowledges = true;
  auto launch = rig.launch_of(0, 2);
  launch.from = saved[0].checkpoint;
  rig.carry_out(launch);
  CHECK(rig.exit_of(0).cause == Cause::done);
  CHECK(rig.steps() == std::vector<std::int64_t>{3, 4, 5, 6, 7, 8, 9});
  CHECK(rig.values().front() == Approx(0.1 / 3));
}

TEST_CASE("outside tune the reporters do nothing and the program runs by hand", "[languages]") {
  ::unsetenv("TUNE_FD");
  CHECK(WEXITSTATUS(std::system(TUNE_REPORTER_PROBE)) == 5);
  const std::string script = "import tune; tune.post(1, loss=2); assert not tune.report(1, {'loss': 1}).stop; assert tune.params() == {}";
  CHECK(std::system(("PYTHONPATH=" + kModule + " python3 -c \"" + script + "\"").c_str()) == 0);
}
