// SPDX-License-Identifier: Apache-2.0
// What gp makes of trials that were ended early.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "search/gp/arm.hpp"
#include "unit/search/sampler_rig.hpp"

namespace gp_stopped_test {

using namespace tune;
using namespace tune::test;

TEST_CASE("what a stopped trial would have come to is read from those that passed the same rung") {
  const Space space = plane();
  Axes axes{space};
  Objective loss;
  loss.metric = "loss";
  Trials trials{axes, {loss}, {}};
  Seq seq = 0;
  const auto learn = [&](auto what) { trials.learn({++seq, {}, 1, Decided{std::move(what), {}}}); };
  const auto add = [&](std::int64_t id, double at_rung, double end, TrialState state) {
    Propose p;
    p.trial = {id}, p.params = {{"x", 0.1 * static_cast<double>(id)}, {"y", 0.5}};
    learn(p);
    Extend e;
    e.trial = {id}, e.rung = Rung{0, 0, 3, at_rung, 1, 1, 0};
    learn(e);
    Settle s;
    s.trial = {id}, s.state = state, s.values = {end}, s.at_step = state == TrialState::complete ? 9 : 3;
    learn(s);
  };
  add(0, 5, 1, TrialState::complete);
  add(1, 6, 2, TrialState::complete);
  add(2, 7, 4, TrialState::complete);
  add(3, 6.5, 6.5, TrialState::stopped);  // Between the second and the third.
  add(4, 9, 9, TrialState::stopped);      // Worse than all.
  add(5, 8, 8, TrialState::stopped);
  const auto all = detail::outcomes(trials);  // Half of them: values are imputed.
  REQUIRE(all.size() == 6);
  CHECK(all[2].value == 4);
  CHECK(all[3].value == 4);
  CHECK(all[5].value > 4);
  CHECK(all[4].value > all[5].value);
}

TEST_CASE("where most trials are ended early each pair is compared where both were judged last") {
  const Space space = plane();
  Axes axes{space};
  Objective loss;
  loss.metric = "loss";
  Trials trials{axes, {loss}, {}};
  Seq seq = 0;
  const auto learn = [&](auto what) { trials.learn({++seq, {}, 1, Decided{std::move(what), {}}}); };
  const auto add = [&](std::int64_t id, const std::vector<double>& at_rungs, std::optional<TrialState> state) {
    Propose p;
    p.trial = {id}, p.params = {{"x", 0.1 * static_cast<double>(id)}, {"y", 0.5}};
    learn(p);
    std::int64_t step = 1;
    for (const double value : at_rungs) {
      Extend e;
      e.trial = {id}, e.rung = Rung{0, 0, step, value, 1, 1, 0};
      learn(e), step *= 3;
    }
    if (!state) return;
    Settle s;
    s.trial = {id}, s.state = *state, s.values = {at_rungs.back()}, s.at_step = step / 3;
    learn(s);
  };
  add(0, {5, 4, 3}, TrialState::complete);
  add(1, {6, 9}, TrialState::stopped);                // Good at first.
  add(2, {7}, TrialState::stopped);
  add(3, {5.5}, TrialState::stopped);                 // Better there than 1 was.
  add(4, {4.5, 3}, std::nullopt);                     // Goes on: better than 0 where both were.
  add(5, {8}, std::nullopt);
  add(6, {}, std::nullopt);                           // Nothing is known of it.
  add(7, {5, std::nan("")}, TrialState::stopped);     // It diverged.
  const auto all = detail::outcomes(trials);
  REQUIRE(all.size() == 6);
  const auto value = [&](std::size_t trial) {
    return std::find_if(all.begin(), all.end(), [&](const auto& o) { return o.trial == trial; })->value;
  };
  CHECK(value(4) < value(0));
  CHECK(value(0) < value(3));
  CHECK(value(3) < value(1));
  CHECK(value(1) < value(2));
  CHECK(value(2) < value(5));
}

}  // namespace gp_stopped_test
