// SPDX-License-Identifier: Apache-2.0
#include "search/trials.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace trials_test {

using namespace tune;

namespace {

/// A maximised objective `score` over one axis, a bound on `ms`, and a journal that grows.
struct Journal {
  Space space = [] {
    Dimension x;
    x.name = "x", x.min = 0, x.max = 1;
    return Space::make({x}).value();
  }();
  Axes axes{space};
  Trials trials;
  Seq seq = 0;

  Journal() : trials(axes, {objective()}, {{"ms", std::nullopt, 20.0}}) {}
  static Objective objective() {
    Objective o;
    o.metric = "score", o.maximize = true;
    return o;
  }
  template <class F>
  void decide(F f) { trials.learn({++seq, {}, 1, Decided{std::move(f), {}}}); }
  template <class F>
  void observe(F f) { trials.learn({++seq, {}, 1, Observation{std::move(f)}}); }

  void propose(std::int64_t t, double x) {
    Propose p;
    p.trial = {t}, p.params = {{"x", x}};
    decide(p);
  }
  void report(std::int64_t t, double score, double ms = 1, std::int64_t step = 1) {
    Reported r;
    r.trial = {t}, r.attempt = 1, r.seq = step, r.step = step, r.metrics = {{"ms", ms}, {"score", score}};
    observe(r);
  }
  void settle(std::int64_t t, TrialState s, std::vector<double> values, bool feasible = true, std::int64_t step = 1) {
    Settle e;
    e.trial = {t}, e.state = s, e.values = std::move(values), e.feasible = feasible, e.at_step = step;
    decide(e);
  }
};

}  // namespace

TEST_CASE("smaller is better to samplers, whatever the goal, and what is not finite is worst") {
  Journal j;
  j.propose(0, 0.1), j.report(0, 3), j.settle(0, TrialState::complete, {3});
  j.propose(1, 0.2), j.report(1, std::nan("")), j.settle(1, TrialState::complete, {std::nan("")});
  CHECK(j.trials.all()[0].values.front() == -3);
  CHECK_FALSE(j.trials.all()[1].has_value());
  CHECK(j.trials.best() == 0u);
  CHECK(j.trials.finished() == 2);
}

TEST_CASE("a trial that breaks an outcome constraint is ranked by how much, and never best") {
  Journal j;
  j.propose(0, 0.1), j.report(0, 9, 50), j.settle(0, TrialState::complete, {9}, false);
  j.propose(1, 0.2), j.report(1, 8, 30), j.settle(1, TrialState::complete, {8}, false);
  j.propose(2, 0.3), j.report(2, 1, 10), j.settle(2, TrialState::complete, {1});
  CHECK(j.trials.best() == 2u);
  CHECK(j.trials.all()[0].violation() == 30);
  CHECK(j.trials.ranked() == std::vector<std::size_t>{2, 1, 0});
}

TEST_CASE("complete trials come before partial ones, which are ranked by how far they got") {
  Journal j;
  for (int t = 0; t < 4; ++t) j.propose(t, 0.1 * t + 0.1);
  j.settle(0, TrialState::stopped, {9}, true, 3);
  j.settle(1, TrialState::complete, {2}, true, 27);
  j.settle(2, TrialState::stopped, {1}, true, 9);
  j.settle(3, TrialState::failed, {});
  CHECK(j.trials.ranked() == std::vector<std::size_t>{1, 2, 0, 3});
  CHECK(j.trials.failures() == 1);
}

TEST_CASE("of equal trials the newest comes first") {
  Journal j;
  for (int t = 0; t < 3; ++t) j.propose(t, 0.1 * t), j.settle(t, TrialState::complete, {5});
  CHECK(j.trials.ranked() == std::vector<std::size_t>{2, 1, 0});
}

TEST_CASE("a paused trial is partial, and pending again once it goes on") {
  Journal j;
  j.propose(0, 0.5), j.report(0, 4, 1, 3);
  j.decide(Pause{{0}, 1, Rung{0, 0, 3, 4.0, 1, 1, 4.0}});
  CHECK(j.trials.all()[0].state == Observed::State::partial);
  CHECK(j.trials.all()[0].rungs == std::vector<std::pair<std::int64_t, double>>{{3, -4.0}});
  CHECK(j.trials.best() == 0u);
  CHECK(j.trials.partial() == 1);
  Launch l;
  l.trial = {0}, l.attempt = 2;
  j.decide(l);
  CHECK(j.trials.pending() == 1);
  CHECK(j.trials.partial() == 0);
  CHECK_FALSE(j.trials.best());
}

TEST_CASE("imported trials are learned like one's own, under numbers of their own") {
  Journal j;
  Imported i;
  i.trials.push_back({{{"x", 0.25}}, TrialState::complete, {7}});
  i.trials.push_back({{{"x", 4.0}}, TrialState::complete, {8}});  // Not of the space.
  j.observe(i);
  CHECK(j.trials.imported() == 1);
  CHECK(j.trials.best() == 0u);
  CHECK(j.trials.all()[0].trial.value < 0);
  CHECK(j.trials.contains(*j.axes.encode({{"x", 0.25}})));
  CHECK_FALSE(j.trials.contains(*j.axes.encode({{"x", 0.5}})));
}

}  // namespace trials_test
