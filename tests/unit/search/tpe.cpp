// SPDX-License-Identifier: Apache-2.0
#include "search/tpe.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "search/all.hpp"
#include "tuner/json.hpp"

using namespace tune;

namespace {

Dimension number(std::string name, double min = 0, double max = 1) {
  Dimension d;
  d.name = std::move(name), d.min = min, d.max = max;
  return d;
}

Dimension choice(std::string name, std::vector<Value> values) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::choice, d.values = std::move(values);
  return d;
}

double real(const Params& p, std::string_view name) { return *to_number(*p.find(name)); }

/// An experiment of one worker, or of several: go() proposes and settles, open() only proposes.
struct Experiment {
  Space space;
  std::unique_ptr<Sampler> sampler;
  std::uint64_t seed;
  Seq seq = 0;
  std::int64_t next = 0;

  Experiment(Space s, std::uint64_t with_seed = 1, std::string profile = "tune", std::size_t objectives = 1)
      : space(std::move(s)), seed(with_seed) {
    std::vector<Objective> goals(objectives);
    for (std::size_t i = 0; i < objectives; ++i) goals[i].metric = "y" + std::to_string(i);
    const Params options{{"profile", std::move(profile)}, {"startup", std::int64_t{10}}, {"candidates", std::int64_t{24}}};
    sampler = tpe_sampler().make({space, goals, seed, options}).value();
  }
  Sampler::Proposal ask() const { return sampler->propose({next}, Rng{seed, Purpose::propose, next}).value(); }
  void learn(Decision d, const Note& note = {}) {
    sampler->learn({++seq, {}, 1, Decided{std::move(d), {0, "", "", note}}});
  }
  void put(const Params& params, const Note& note = {}) {
    Propose p;
    p.trial = {next++}, p.params = params, p.source = "sampler", p.sampler = "tpe";
    learn(p, note);
  }
  void settle(std::int64_t trial, std::vector<double> values, TrialState state = TrialState::complete) {
    Settle s;
    s.trial = {trial}, s.values = std::move(values), s.state = state;
    if (state == TrialState::failed) s.cause = Cause::oom, s.values.clear();
    learn(s);
  }
  Params open() {
    const auto p = ask();
    put(p.params, p.note);
    return p.params;
  }
  template <class F>
  double go(F&& f) {
    const double value = f(open());
    settle(next - 1, {value});
    return value;
  }
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
  const Space space = Space::make({number("x"), number("y")}).value();
  const auto bowl = [](const Params& p) {
    return std::pow(real(p, "x") - 0.3, 2) + std::pow(real(p, "y") - 0.8, 2);
  };
  CHECK(median_best(space, 100, "tune", bowl) < 1e-4);
  CHECK(median_best(space, 100, "optuna5", bowl) < 2e-3);
}

TEST_CASE("tpe learns which branch of a conditional space is worth its time, and where in it") {
  Dimension left = number("left"), right = number("right");
  left.when = {{"side", Test::Op::in, {std::string{"l"}}, 0}};
  right.when = {{"side", Test::Op::in, {std::string{"r"}}, 0}};
  const Space space = Space::make({choice("side", {std::string{"l"}, std::string{"r"}}), number("x"), left, right}).value();
  Experiment e{space};
  int right_taken = 0;
  for (int i = 0; i < 80; ++i)
    e.go([&](const Params& p) {
      const bool r = p.contains("right");
      right_taken += r && i >= 40;
      return std::fabs(real(p, "x") - 0.2) + (r ? std::fabs(real(p, "right") - 0.9) : 0.5 + real(p, "left"));
    });
  CHECK(right_taken > 25);
}

TEST_CASE("tpe keeps out of a region where trials crash") {
  const Space space = Space::make({number("x"), number("y")}).value();
  int crashed = 0;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Experiment e{space, seed};
    for (int i = 0; i < 50; ++i) {
      const auto p = e.open();
      const bool crash = real(p, "x") > 0.7;  // The best values would be there.
      crashed += crash && i >= 10;
      e.settle(i, {1 - real(p, "x") + real(p, "y")}, crash ? TrialState::failed : TrialState::complete);
    }
  }
  CHECK(crashed < 5 * 40 / 3);
}

TEST_CASE("tpe goes on looking evenly while nothing has worked") {
  Experiment e{Space::make({number("x")}).value()};
  for (int i = 0; i < 30; ++i) {
    const auto p = e.ask();
    REQUIRE(p.note.find("\"arm\":\"start\"") != std::string::npos);
    e.put(p.params, p.note);
    e.settle(i, {}, TrialState::failed);
  }
}

TEST_CASE("tpe does not propose beside trials under way") {
  const Space space = Space::make({number("x")}).value();
  double nearest = 1;
  Experiment e{space};
  for (int i = 0; i < 20; ++i) e.go([](const Params& p) { return std::fabs(real(p, "x") - 0.5); });
  std::vector<double> open;
  for (int i = 0; i < 8; ++i) {
    const double x = real(e.open(), "x");
    for (const double other : open) nearest = std::min(nearest, std::fabs(x - other));
    open.push_back(x);
  }
  CHECK(nearest > 1e-4);
  CHECK(*std::max_element(open.begin(), open.end()) - *std::min_element(open.begin(), open.end()) > 0.05);
}

TEST_CASE("tpe with a thousand workers spreads what it proposes") {
  Experiment e{Space::make({number("x"), number("y")}).value()};
  for (int i = 0; i < 30; ++i) e.go([](const Params& p) { return real(p, "x"); });
  std::vector<int> cells(25);
  for (int i = 0; i < 1000; ++i) {
    const auto p = e.open();
    ++cells[static_cast<std::size_t>(real(p, "x") * 5) * 5 + static_cast<std::size_t>(real(p, "y") * 5)];
  }
  CHECK(*std::min_element(cells.begin(), cells.end()) > 5);
}

TEST_CASE("tpe satisfies outcome constraints before it improves") {
  const Space space = Space::make({number("x")}).value();
  OutcomeConstraint limit;
  limit.metric = "latency", limit.max = 0.5;
  const Params options{{"profile", std::string{"tune"}}, {"startup", std::int64_t{10}}, {"candidates", std::int64_t{24}}};
  const auto sampler = tpe_sampler().make({space, {Objective{"loss", false, {}, 1}}, 1, options, {limit}}).value();
  Seq seq = 0;
  int held = 0;
  for (std::int64_t i = 0; i < 60; ++i) {
    const auto p = sampler->propose({i}, Rng{1, Purpose::propose, i}).value();
    const double x = real(p.params, "x");
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
  const Space space = Space::make({number("x"), number("y"), number("z")}).value();
  for (const auto* profile : {"tune", "optuna5"}) {
    Experiment e{space, 1, profile, 2};
    int on_front = 0;
    for (int i = 0; i < 120; ++i) {
      const auto p = e.open();
      const double x = real(p, "x"), off = std::fabs(real(p, "y") - 0.5) + std::fabs(real(p, "z") - 0.5);
      e.settle(i, {x + off, 1 - x + off});
      on_front += i >= 60 && off < 0.3;
    }
    CHECK(on_front > 30);
  }
}

TEST_CASE("tpe says how much more likely its proposal is among the best") {
  Experiment e{Space::make({number("x")}).value()};
  for (int i = 0; i < 12; ++i) e.go([](const Params& p) { return real(p, "x"); });
  const auto p = e.ask();
  CHECK(p.why.find("among the best 2 of 12 trials") != std::string::npos);
  const detail::NoteReader note{p.note};
  CHECK(note.number("best") == 2.0);
  CHECK(note.number("narrowest").has_value());
}

TEST_CASE("a ranking puts finished before partial before violating before failed, and the newest of equals first") {
  const Space space = Space::make({number("x")}).value();
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
