// SPDX-License-Identifier: Apache-2.0
#include "search/tpe.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "unit/search/sampler_rig.hpp"

namespace tpe_test {

using namespace tune;
using namespace tune::test;

namespace {

struct Experiment : SamplerRig {
  explicit Experiment(Space s, std::uint64_t with_seed = 1, const std::string& profile = "tune", std::size_t objectives = 1)
      : SamplerRig(tpe_sampler(), std::move(s), with_seed,
                   {{"profile", profile}, {"startup", std::int64_t{10}}, {"candidates", std::int64_t{24}}}, objectives) {}
};

template <class F>
double best_of(Experiment& e, int trials, F&& f) {
  double best = HUGE_VAL;
  for (int i = 0; i < trials; ++i) best = std::min(best, e.go(f));
  return best;
}

template <class F>
double median_best(const Space& space, int trials, const std::string& profile, F&& f) {
  std::vector<double> all;
  for (std::uint64_t seed = 1; seed <= 9; ++seed) {
    Experiment e{space, seed, profile};
    all.push_back(best_of(e, trials, f));
  }
  std::sort(all.begin(), all.end());
  return all[4];
}

}  // namespace

TEST_CASE("tpe finds the bottom of a bowl to a hundredth, where random search does not") {
  const Space space = Space::make({real("x"), real("y")}).value();
  const auto bowl = [](const Params& p) {
    return std::pow(number(p, "x") - 0.3, 2) + std::pow(number(p, "y") - 0.8, 2);
  };
  CHECK(median_best(space, 100, "tune", bowl) < 1e-4);
  CHECK(median_best(space, 100, "optuna5", bowl) < 2e-3);
}

TEST_CASE("tpe learns which branch of a conditional space is worth its time, and where in it") {
  Dimension left = real("left"), right = real("right");
  left.when = {{"side", Test::Op::in, {std::string{"l"}}, 0}};
  right.when = {{"side", Test::Op::in, {std::string{"r"}}, 0}};
  const Space space = Space::make({choice("side", {std::string{"l"}, std::string{"r"}}), real("x"), left, right}).value();
  Experiment e{space};
  int right_taken = 0;
  for (int i = 0; i < 80; ++i)
    e.go([&](const Params& p) {
      const bool r = p.contains("right");
      right_taken += r && i >= 40;
      return std::fabs(number(p, "x") - 0.2) + (r ? std::fabs(number(p, "right") - 0.9) : 0.5 + number(p, "left"));
    });
  CHECK(right_taken > 25);
}

TEST_CASE("tpe keeps out of a region where trials crash") {
  const Space space = Space::make({real("x"), real("y")}).value();
  int crashed = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Experiment e{space, seed};
    for (int i = 0; i < 50; ++i) {
      const auto p = e.open();
      const bool crash = number(p, "x") > 0.7;  // The best values would be there.
      crashed += crash && i >= 10;
      e.settle(i, 1 - number(p, "x") + number(p, "y"), crash ? TrialState::failed : TrialState::complete);
    }
  }
  CHECK(crashed < 5 * 40 / 3);
}

TEST_CASE("tpe goes on looking evenly while nothing has worked") {
  Experiment e{Space::make({real("x")}).value()};
  for (int i = 0; i < 30; ++i) {
    const auto p = e.ask();
    REQUIRE(p.note.find("\"arm\":\"start\"") != std::string::npos);
    e.put(p.params, p.note);
    e.settle(i, {}, TrialState::failed);
  }
}

TEST_CASE("tpe does not propose beside trials under way") {
  const Space space = Space::make({real("x")}).value();
  double nearest = 1;
  Experiment e{space};
  for (int i = 0; i < 20; ++i) e.go([](const Params& p) { return std::fabs(number(p, "x") - 0.5); });
  std::vector<double> open;
  for (int i = 0; i < 8; ++i) {
    const double x = number(e.open(), "x");
    for (const double other : open) nearest = std::min(nearest, std::fabs(x - other));
    open.push_back(x);
  }
  CHECK(nearest > 1e-4);
  CHECK(*std::max_element(open.begin(), open.end()) - *std::min_element(open.begin(), open.end()) > 0.05);
}

TEST_CASE("tpe with a thousand workers spreads what it proposes") {
  Experiment e{Space::make({real("x"), real("y")}).value()};
  for (int i = 0; i < 30; ++i) e.go([](const Params& p) { return number(p, "x"); });
  std::vector<int> cells(25);
  for (int i = 0; i < 1000; ++i) {
    const auto p = e.open();
    ++cells[static_cast<std::size_t>(number(p, "x") * 5) * 5 + static_cast<std::size_t>(number(p, "y") * 5)];
  }
  CHECK(*std::min_element(cells.begin(), cells.end()) > 5);
}

TEST_CASE("tpe satisfies outcome constraints before it improves") {
  const Space space = Space::make({real("x")}).value();
  OutcomeConstraint limit;
  limit.metric = "latency", limit.max = 0.5;
  const Params options{{"profile", std::string{"tune"}}, {"startup", std::int64_t{10}}, {"candidates", std::int64_t{24}}};
  const auto sampler = tpe_sampler().make({space, {Objective{"loss", false, {}, 1}}, 1, options, {limit}}).value();
  Seq seq = 0;
  int held = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto p = sampler->propose({i}, Rng{1, Purpose::propose, i}).value();
    const double x = number(p.params, "x");
    Propose d;
    d.trial = {i}, d.params = p.params, d.source = "sampler";
    sampler->learn({++seq, {}, 1, Decided{d, {0, "", p.why, p.note}}});
    Reported r;
    r.trial = {i}, r.attempt = 1, r.seq = r.step = 1, r.metrics = {{"loss", 1 - x}, {"latency", x}};
    sampler->learn({++seq, {}, 1, Observation{r}});
    Settle s;
    s.trial = {i}, s.values = {1 - x}, s.feasible = x <= 0.5;
    sampler->learn({++seq, {}, 1, Decided{s, {}}});
    held += i >= 20 && x <= 0.5;
  }
  CHECK(held > 18);
}

TEST_CASE("tpe with two objectives fills the front between them") {
  const Space space = Space::make({real("x"), real("y"), real("z")}).value();
  for (const auto* profile : {"tune", "optuna5"}) {
    Experiment e{space, 1, profile, 2};
    int on_front = 0;
    for (int i = 0; i < 120; ++i) {
      const auto p = e.open();
      const double x = number(p, "x"), off = std::fabs(number(p, "y") - 0.5) + std::fabs(number(p, "z") - 0.5);
      e.settle(i, {x + off, 1 - x + off});
      on_front += i >= 60 && off < 0.3;
    }
    CHECK(on_front > 30);
  }
}

TEST_CASE("tpe says how much more likely its proposal is among the best") {
  Experiment e{Space::make({real("x")}).value()};
  for (int i = 0; i < 12; ++i) e.go([](const Params& p) { return number(p, "x"); });
  const auto p = e.ask();
  CHECK(p.why.find("among the best 2 of 12 trials") != std::string::npos);
  const detail::NoteReader note{p.note};
  CHECK(note.number("best") == 2.0);
  CHECK(note.number("narrowest").has_value());
}

TEST_CASE("a ranking puts finished before partial before violating before failed, and the newest of equals first") {
  const Space space = Space::make({real("x")}).value();
  const Axes axes{space};
  Trials trials{axes, {Objective{"loss", false, {}, 1}}, {}};
  detail::Ranking ranking{detail::Ranking::Ties::newest_first};
  Seq seq = 0;
  const auto learn = [&](Decision d) {
    const Record r{++seq, {}, 1, Decided{std::move(d), {}}};
    trials.learn(r);
    ranking.learn(r, trials);
  };
  for (std::int64_t i = 0; i < 7; ++i) {
    Propose p;
    p.trial = {i}, p.params = {{"x", 0.1 * static_cast<double>(i)}};
    learn(p);
  }
  const auto settle = [&](std::int64_t t, TrialState state, double value, std::int64_t step, bool feasible = true) {
    Settle s;
    s.trial = {t}, s.state = state, s.values = {value}, s.at_step = step, s.feasible = feasible;
    if (state == TrialState::failed) s.values.clear();
    learn(s);
  };
  settle(0, TrialState::failed, 0, 0);
  settle(1, TrialState::complete, 0.1, 9, false);
  settle(2, TrialState::stopped, 0.1, 3);
  settle(3, TrialState::stopped, 0.9, 5);
  settle(4, TrialState::complete, 2, 9);
  settle(5, TrialState::complete, 2, 9);
  settle(6, TrialState::complete, 1, 9);
  CHECK(ranking.order() == std::vector<std::uint32_t>{6, 5, 4, 3, 2, 1, 0});
  Retry again;
  again.trial = {6};
  learn(again);
  CHECK(ranking.order() == std::vector<std::uint32_t>{5, 4, 3, 2, 1, 0});
}

TEST_CASE("columns keep the newest and a fair draw of the older ones in order") {
  detail::Columns columns{1, 20, 50};
  Rng rng{1, 2};
  for (int i = 0; i < 5000; ++i) {
    Point p{{rng.uniform()}, {1}};
    columns.add(p);
  }
  const auto kept = columns.kept();
  REQUIRE(kept.size() == 70);
  CHECK(std::is_sorted(kept.begin(), kept.end()));
  CHECK(kept[50] == 4980);
  auto sorted = columns.sorted(0);
  CHECK(std::is_sorted(sorted.begin(), sorted.end(),
                       [&](auto a, auto b) { return columns.column(0)[a] < columns.column(0)[b]; }));
  std::sort(sorted.begin(), sorted.end());
  CHECK(sorted == kept);
  const double mean = std::accumulate(kept.begin(), kept.begin() + 50, 0.0) / 50;
  CHECK(mean == Approx(2490).margin(4 * 1440 / std::sqrt(50.0)));
  CHECK(columns.weight(kept[0]) * 50 == Approx(4980));
  CHECK(columns.weight(4999) == 1);
}

}  // namespace tpe_test
