// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/board.hpp"

#include <catch2/catch.hpp>
#include <cmath>

#include "ui/api/policies.hpp"
#include "ui/view/text.hpp"

using namespace tune;

namespace {

Spec two_trials() {
  Spec spec;
  spec.name = "board";
  spec.objectives = {Objective{"loss"}};
  spec.stop.trials = 100;
  return spec;
}

Record launched(std::int64_t trial) {
  Launch launch;
  launch.trial = TrialId{trial}, launch.attempt = 1;
  return {trial + 1, Time{0}, 1, Decided{launch, {}}};
}

}  // namespace

TEST_CASE("the block keeps its height and width however many trials are live", "[cli]") {
  const auto spec = two_trials();
  const History history(spec);
  Board board(spec);
  for (std::int64_t t = 0; t < 50; ++t) board.learn(launched(t), history);
  const auto lines = board.lines(1, 60, 10, false);
  CHECK(lines.size() == 10);
  for (const auto& line : lines) CHECK(line.find('\x1b') == std::string::npos);
  CHECK(lines[8].find("… and 44 more") != std::string::npos);
}

TEST_CASE("a curve of any length keeps at most 64 values, from its beginning to its end", "[cli]") {
  ThinnedCurve curve;
  for (int i = 1; i <= 100000; ++i) curve.add(i);
  CHECK(curve.values().size() <= 64);
  CHECK(curve.values().front() < 5000);
  CHECK(curve.values().back() > 90000);
}

TEST_CASE("an attempt's end is told with its exit code or its signal's name", "[cli]") {
  Exited exited;
  exited.cause = Cause::exit, exited.exit_code = 3;
  CHECK(ending_text(exited) == "exit code 3");
  exited.cause = Cause::signal, exited.signal = 9;
  CHECK(ending_text(exited) == "killed by signal 9 (SIGKILL)");
  exited.cause = Cause::exec, exited.text = "No such file\x1b[2J";
  CHECK(ending_text(exited) == "could not be started: No such file\\x1b[2J");
}

TEST_CASE("the front of stored trials is of those that succeeded in every objective", "[cli]") {
  Spec spec = two_trials();
  spec.objectives = {Objective{"loss"}, Objective{"speed"}};
  spec.objectives[1].maximize = true;
  const auto row = [](std::int64_t id, double loss, double speed, TrialState state = TrialState::complete) {
    TrialRow r;
    r.id = {id}, r.state = state, r.value = loss, r.more = {speed};
    return r;
  };
  const auto front = front_of({row(0, 2, 5), row(1, 1, 3), row(2, 3, 4), row(3, 0, 9, TrialState::failed),
                               row(4, 0, std::nan("")), row(5, 1, 4)}, spec);
  REQUIRE(front.members().size() == 2);
  CHECK(front.members()[0].trial.value == 5);
  CHECK(front.members()[1].trial.value == 0);
  CHECK(reference_of(front)[0] == Approx(3.3));
  CHECK(reference_of(front)[1] == Approx(2.7));
  CHECK(hypervolume(front, {3, 3}) == Approx(1 * 1 + 1 * 2));
}
