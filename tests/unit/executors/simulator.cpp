// SPDX-License-Identifier: Apache-2.0
#include "executors/simulator.hpp"

#include <catch2/catch.hpp>

#include "support/experiment_rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// Loss 1 at each of ten steps.
class Level final : public Problem {
 public:
  const std::vector<std::string>& metrics() const override { return names_; }
  Trajectory course(const Params&) const override {
    return {10, [](std::int64_t, std::span<double> values) { values[0] = 1; }, {}};
  }

 private:
  std::vector<std::string> names_ = {"loss"};
};

/// How the only trial of this config ends in virtual time if nobody but the executor does anything, step by step
/// permitted up to `until`.
Exited ending(StopSpec stop, SimulatorOptions options, std::int64_t until = kNoStep) {
  Spec spec = small_spec();
  spec.stop = stop;
  spec.stop.trials = 1;
  options.workers = 1, options.gives_up = true;
  Rig rig(spec, 1);
  Simulator simulator(*rig.spec, std::make_unique<Level>(), options);
  for (const auto& o : simulator.open(rig.experiment->history())) simulator.acknowledge(o);
  rig.decide();
  Decided launch = *rig.journal.back().decided();
  std::get<Launch>(launch.what).until_step = until;
  simulator.carry_out(launch, rig.experiment->history());
  Exited last;
  while (!simulator.stuck())
    for (const auto& o : simulator.wait({})) {
      simulator.acknowledge(o);
      if (const auto* e = std::get_if<Exited>(&o)) last = *e;
    }
  return last;
}

StopSpec time(double seconds) {
  StopSpec stop;
  stop.trial_time = Duration{seconds};
  return stop;
}
StopSpec idle(double seconds) {
  StopSpec stop;
  stop.trial_idle = Duration{seconds};
  return stop;
}
SimulatorOptions steps_of(double seconds) {
  SimulatorOptions o;
  o.step_seconds = seconds;
  return o;
}

}  // namespace

TEST_CASE("a simulated attempt that takes longer than stop.trial_time is ended there", "[simulator]") {
  const auto e = ending(time(4.5), steps_of(1));
  CHECK(e.cause == Cause::timeout);
  CHECK(e.last_seq == 4);
  CHECK(e.usage.seconds == 4.5);
  CHECK(e.text == "stop.trial_time (4500ms) is over");
}

TEST_CASE("a simulated attempt that takes just as long as stop.trial_time is done", "[simulator]") {
  CHECK(ending(time(10), steps_of(1)).cause == Cause::done);
}

TEST_CASE("stop.trial_time counts the start of a simulated attempt and its wait for a decision", "[simulator]") {
  auto slow = steps_of(1);
  slow.start_seconds = 4;
  CHECK(ending(time(12), slow).last_seq == 8);
  const auto e = ending(time(12), steps_of(1), 3);
  CHECK(e.cause == Cause::timeout);
  CHECK(e.last_seq == 3);
}

TEST_CASE("a simulated attempt that is silent for longer than stop.trial_idle is ended", "[simulator]") {
  const auto e = ending(idle(2), steps_of(3));
  CHECK(e.cause == Cause::silence);
  CHECK(e.usage.seconds == 2);
  CHECK(ending(idle(2), steps_of(2)).cause == Cause::done);
  CHECK(ending(idle(2), steps_of(1), 3).last_seq == 0);  // It waits for us, for ever: no end was told.
}

TEST_CASE("a simulated attempt that hangs is ended by stop.trial_idle if that comes first", "[simulator]") {
  auto hangs = steps_of(1);
  hangs.faults.hang = 1;
  CHECK(ending({}, hangs).usage.seconds > 60);
  CHECK(ending(idle(5), hangs).usage.seconds < 20);
}
