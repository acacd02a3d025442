// SPDX-License-Identifier: Apache-2.0
#include "schedulers/progression.hpp"

#include <catch2/catch.hpp>

#include "schedulers/asha.hpp"
#include "support/records.hpp"

namespace progression_test {

using namespace tune;
using namespace tune::test;
using detail::Progression;

namespace {

// Curves from step 1 on; each trial is recorded at rung 0 by its first value, and at rung 1 by its last.
Progression after(const std::vector<std::vector<double>>& curves) {
  Progression p;
  for (std::size_t i = 0; i < curves.size(); ++i) {
    const TrialId id{static_cast<std::int64_t>(i)};
    for (std::size_t s = 0; s < curves[i].size(); ++s) p.reported(id, static_cast<std::int64_t>(s) + 1, curves[i][s]);
    p.recorded(id, 0, curves[i].front());
    p.recorded(id, 1, curves[i].back());
  }
  return p;
}

Stage stage() {
  Spec spec = small_spec();
  spec.stop.trials = 1000;
  spec.checkpoint.emplace();
  auto scheduler = std::make_unique<Asha>(spec, AshaOptions{true, 1, {}, 2, 1, true});
  return Stage{std::move(spec), std::move(scheduler)};
}

}  // namespace

TEST_CASE("two rungs are enough while they rank alike", "[schedulers]") {
  CHECK(after({{0.5, 0.4}, {0.6, 0.5}, {0.7, 0.6}}).rungs() == 2);
}

TEST_CASE("one more rung is used when the last one ranks otherwise than the one below", "[schedulers]") {
  CHECK(after({{0.5, 0.4}, {0.6, 0.3}}).rungs() == 3);
  CHECK(after({{0.5, 0.4}, {0.6, 0.5}, {0.7, 0.1}}).rungs() == 3);
}

TEST_CASE("equal values below may change places", "[schedulers]") {
  CHECK(after({{0.5, 0.4}, {0.5, 0.3}}).rungs() == 2);
  CHECK(after({{INFINITY, 0.4}, {INFINITY, 0.3}}).rungs() == 2);
}

TEST_CASE("epsilon is how far apart curves are that crossed and crossed back", "[schedulers]") {
  const auto p = after({{0.50, 0.40, 0.30}, {0.52, 0.38, 0.33}});
  CHECK(p.epsilon() == Approx(0.03));
  CHECK(p.rungs() == 2);
}

TEST_CASE("one crossing is no noise", "[schedulers]") {
  const auto p = after({{0.50, 0.40, 0.30}, {0.52, 0.38, 0.28}});
  CHECK(p.epsilon() == 0);
  CHECK(p.rungs() == 3);
}

TEST_CASE("what noise can do is no reason for another rung", "[schedulers]") {
  // The first two show noise of 0.03; the third overtakes the first, which was better by less.
  CHECK(after({{0.50, 0.40, 0.30}, {0.52, 0.38, 0.33}, {0.53, 0.42, 0.31}}).rungs() == 2);
  CHECK(after({{0.50, 0.40, 0.30}, {0.52, 0.38, 0.33}, {0.60, 0.42, 0.31}}).rungs() == 3);
}

TEST_CASE("curves are compared at steps that both have", "[schedulers]") {
  Progression p;
  const auto trial = [&](std::int64_t id, std::vector<std::pair<std::int64_t, double>> curve) {
    for (const auto& [step, score] : curve) p.reported(TrialId{id}, step, score);
    p.recorded(TrialId{id}, 0, curve.front().second);
    p.recorded(TrialId{id}, 1, curve.back().second);
  };
  trial(0, {{1, 0.5}, {2, 0.4}, {4, 0.3}});
  trial(1, {{1, 0.6}, {2, 0.3}, {3, 0.2}, {4, 0.4}});
  CHECK(p.epsilon() == Approx(0.1));
}

TEST_CASE("asha with \"auto\" pauses everybody at the last rung that is in use", "[schedulers]") {
  auto s = stage();
  for (const double loss : {0.1, 0.2, 0.3, 0.4}) s.report(s.start(), 1, loss), s.verdict();
  CHECK(s.plan() == "Resume 0 to 2");
  s.resume();
  s.report(TrialId{0}, 2, 0.1);
  CHECK(s.verdict() == "Pause 0");
  CHECK(s.why.ends_with("; the last rung for now, for it ranks as the one below does, within 0"));
  s.resume();
  s.report(TrialId{1}, 2, 0.2);
  CHECK(s.verdict() == "Pause 1");
  CHECK(s.plan() == "Start to 1");  // The best of two would go on if there were a rung to go to.
}

TEST_CASE("asha with \"auto\" promotes from the last rung once another one is used", "[schedulers]") {
  auto s = stage();
  for (const double loss : {0.1, 0.2, 0.3, 0.4}) s.report(s.start(), 1, loss), s.verdict();
  s.resume();
  s.report(TrialId{0}, 2, 0.2);
  s.verdict();
  s.resume();
  s.report(TrialId{1}, 2, 0.1);  // It overtakes.
  CHECK(s.verdict() == "Extend 1 to 4");
  s.report(TrialId{1}, 4, 0.1);
  CHECK(s.verdict() == "Pause 1");
}

TEST_CASE("what is worse than the best 256 of a rung decides nothing", "[schedulers]") {
  std::vector<std::vector<double>> curves;
  for (int i = 0; i < 300; ++i) curves.push_back({static_cast<double>(i), static_cast<double>(i)});
  curves.push_back({400, 299.5});
  curves.push_back({350, 299.7});  // It was better than the one before.
  CHECK(after(curves).rungs() == 2);
  curves.push_back({500, 0.5});
  CHECK(after(curves).rungs() == 3);
}

}  // namespace progression_test
