// SPDX-License-Identifier: Apache-2.0
#include "search/gp/arm.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "search/hypervolume.hpp"

using namespace tune;

namespace {

Dimension real(std::string name) {
  Dimension d;
  d.name = std::move(name), d.min = 0, d.max = 1;
  return d;
}

Space square() { return Space::make({real("x"), real("y")}).value(); }

double of(const Params& p, std::string_view name) { return *to_number(*p.find(name)); }

double bowl(const Params& p) { return std::pow(of(p, "x") - 0.3, 2) + 2 * std::pow(of(p, "y") - 0.8, 2); }

/// An experiment that is nothing but its sampler.
struct Lab {
  const Space& space;
  SamplerContext context;
  std::unique_ptr<Sampler> sampler;
  std::vector<Record> records;
  std::int64_t next = 0;

  explicit Lab(const Space& s, std::vector<std::string> metrics = {"loss"}, std::vector<OutcomeConstraint> constraints = {},
               double min_improvement = 0)
      : space(s), context{s, {}, 1, {}} {
    for (auto& m : metrics) context.objectives.emplace_back().metric = m;
    context.outcome_constraints = std::move(constraints);
    context.min_improvement = min_improvement;
    restart();
  }
  void restart() {
    sampler = gp_sampler().make(context).value();
    for (const Record& r : records) sampler->learn(r);
  }
  void learn(std::variant<Observation, Decided> fact) {
    records.push_back({static_cast<Seq>(records.size()) + 1, {}, 1, std::move(fact)});
    sampler->learn(records.back());
  }
  Sampler::Proposal ask() const { return sampler->propose({next}, Rng{1, Purpose::propose, next}).value(); }
  Sampler::Proposal propose() {
    auto p = ask();
    Propose what;
    what.trial = {next++}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
    learn(Decided{what, {0, "gp", p.why, p.note}});
    return p;
  }
  void finish(std::int64_t trial, const Metrics& metrics, TrialState state = TrialState::complete) {
    Reported r;
    r.trial = {trial}, r.attempt = 1, r.seq = r.step = 1, r.metrics = metrics;
    if (state != TrialState::failed) learn(Observation{r});
    Settle s;
    s.trial = {trial}, s.state = state, s.at_step = 1;
    if (state == TrialState::failed) s.cause = Cause::oom;
    if (state != TrialState::failed)
      for (const auto& o : context.objectives) s.values.push_back(*metrics.find(o.metric));
    for (const auto& c : context.outcome_constraints)
      if (const auto v = metrics.find(c.metric)) s.feasible = s.feasible && (!c.max || *v <= *c.max);
    learn(Decided{s, {}});
  }
  Params go(double (*f)(const Params&)) {
    auto p = propose();
    finish(next - 1, {{"loss", f(p.params)}});
    return p.params;
  }
};

OutcomeConstraint at_most(std::string metric, double max) {
  OutcomeConstraint c;
  c.metric = std::move(metric), c.max = max;
  return c;
}

}  // namespace

TEST_CASE("gp finds the bottom of a bowl in 25 trials") {
  const Space space = square();
  Lab lab{space};
  double best = 1;
  for (int i = 0; i < 25; ++i) best = std::min(best, bowl(lab.go(bowl)));
  CHECK(best < 1e-5);
}

TEST_CASE("gp answers the same, bit for bit, whether it lived through the experiment or was rebuilt from its records") {
  Dimension kind = real("kind");
  kind.kind = Dimension::Kind::choice, kind.values = {std::string{"a"}, std::string{"b"}, std::string{"c"}};
  Dimension extra = real("extra");
  extra.when = {{"kind", Test::Op::in, {std::string{"b"}}}};
  const Space space = Space::make({real("x"), real("y"), kind, extra}).value();
  Lab lab{space};
  std::vector<std::int64_t> open;
  Rng rng{5, 5};
  for (int i = 0; i < 70; ++i) {
    const auto p = lab.propose();
    open.push_back(lab.next - 1);
    if (open.size() < 4) continue;  // Four workers, which finish in any order.
    const auto which = static_cast<std::ptrdiff_t>(rng.below(4));
    const std::int64_t trial = open[static_cast<std::size_t>(which)];
    lab.finish(trial, {{"loss", std::sin(static_cast<double>(trial * 7))}}, i % 6 == 5 ? TrialState::failed : TrialState::complete);
    open.erase(open.begin() + which);
    if (i % 9 != 0) continue;
    const auto lived = lab.ask();
    lab.restart();
    const auto rebuilt = lab.ask();
    REQUIRE(rebuilt.params == lived.params);
    REQUIRE(rebuilt.note == lived.note);
    REQUIRE(rebuilt.chance == lived.chance);
  }
}

TEST_CASE("gp fits now and then, and says in the note what it found") {
  const Space space = square();
  Lab lab{space};
  int fits = 0;
  for (int i = 0; i < 40; ++i) {
    const auto p = lab.propose();
    fits += p.note.find("\"fit\":") != std::string::npos;
    lab.finish(i, {{"loss", bowl(p.params)}});
  }
  CHECK(fits > 10);
  CHECK(fits < 30);
}

TEST_CASE("gp keeps pending trials apart") {
  const Space space = square();
  Lab lab{space};
  const auto rippled = [](const Params& p) { return bowl(p) + 0.1 * std::sin(20 * of(p, "x")) * std::sin(17 * of(p, "y")); };
  for (int i = 0; i < 10; ++i) lab.go(rippled);
  std::vector<Params> under_way;
  for (int i = 0; i < 6; ++i) under_way.push_back(lab.propose().params);
  for (std::size_t i = 0; i < under_way.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      CHECK(std::hypot(of(under_way[i], "x") - of(under_way[k], "x"), of(under_way[i], "y") - of(under_way[k], "y")) > 1e-4);
}

TEST_CASE("gp finds what is feasible, and then the best of it") {
  const Space space = square();
  Lab lab{space, {"loss"}, {at_most("latency", 0.2)}};
  double best = 10;
  int feasible = 0;
  for (int i = 0; i < 35; ++i) {
    const auto p = lab.propose().params;
    const double latency = of(p, "x") + of(p, "y");  // A corner of 2 % of the space holds.
    lab.finish(i, {{"loss", 1 - of(p, "x")}, {"latency", latency}});
    if (latency > 0.2) continue;
    best = std::min(best, 1 - of(p, "x"));
    ++feasible;
  }
  CHECK(feasible > 8);
  CHECK(best < 0.81);  // 0.8 at (0.2, 0).
}

TEST_CASE("gp learns where trials fail and stays away") {
  const Space space = square();
  Lab lab{space};
  int failed = 0;
  for (int i = 0; i < 45; ++i) {
    const auto p = lab.propose().params;
    const bool fails = of(p, "x") + of(p, "y") > 1.3;  // A quarter of the space; the bottom of the bowl is near.
    lab.finish(i, {{"loss", bowl(p)}}, fails ? TrialState::failed : TrialState::complete);
    failed += i >= 15 && fails;
  }
  CHECK(failed <= 5);
}

TEST_CASE("gp takes a loss that is not a number for a failure") {
  const Space space = square();
  Lab lab{space};
  int diverged = 0;
  for (int i = 0; i < 40; ++i) {
    const auto p = lab.propose().params;
    const bool diverges = of(p, "y") > 0.9;
    lab.finish(i, {{"loss", diverges ? std::nan("") : bowl(p)}});
    diverged += i >= 15 && diverges;
  }
  CHECK(diverged <= 4);
}

TEST_CASE("gp spreads over the front of two and of three objectives") {
  const Space space = square();
  const Axes axes{space};
  for (const std::size_t m : {2u, 3u}) {
    const auto values = [m](const Params& p) {
      const double x = of(p, "x"), y = of(p, "y");
      std::vector<double> v{x * x + y * y, (1 - x) * (1 - x) + y * y, (x - 0.5) * (x - 0.5) + (1 - y) * (1 - y)};
      v.resize(m);
      return v;
    };
    Lab lab{space, m == 2 ? std::vector<std::string>{"a", "b"} : std::vector<std::string>{"a", "b", "c"}};
    Outcomes found{m};
    for (int i = 0; i < 30; ++i) {
      const auto v = values(lab.propose().params);
      lab.finish(i, m == 2 ? Metrics{{"a", v[0]}, {"b", v[1]}} : Metrics{{"a", v[0]}, {"b", v[1]}, {"c", v[2]}});
      found.add(v);
    }
    Outcomes dense{m};
    for (int i = 0; i <= 40; ++i)
      for (int k = 0; k <= 40; ++k) dense.add(values({{"x", i / 40.0}, {"y", k / 40.0}}));
    Outcomes even{m};
    const detail::Start start{axes, 1};
    for (std::uint32_t i = 0; i < 30; ++i) even.add(values(axes.decode(start.point(i))));
    const std::vector<double> reference(m, 1.2);
    const double most = hypervolume(dense, reference);
    CHECK(most - hypervolume(found, reference) < (m == 2 ? 0.5 : 0.8) * (most - hypervolume(even, reference)));
  }
}

TEST_CASE("the chance of an improvement falls with what counts as one") {
  const Space space = square();
  double last = 1.1;
  for (const double gain : {0.0, 0.02, 1.0}) {
    Lab lab{space, {"loss"}, {}, gain};
    for (int i = 0; i < 9; ++i) lab.go(bowl);
    const auto chance = lab.ask().chance;
    REQUIRE(chance);
    CHECK(*chance >= 0);
    CHECK(*chance < last);
    last = *chance;
  }
  CHECK(last < 0.01);
}

TEST_CASE("gp walks a finite space to its best configuration") {
  std::vector<Dimension> all;
  for (const char* name : {"a", "b", "c", "d"}) {
    all.push_back(real(name));
    all.back().kind = Dimension::Kind::integer, all.back().max = 11;
  }
  const Space space = Space::make(all).value();  // 20,736 configurations.
  Lab lab{space};
  const auto f = [](const Params& p) { return std::abs(of(p, "a") - 7) + std::abs(of(p, "b") - 2) + std::abs(of(p, "c") - of(p, "d") + 3) + of(p, "d") / 20; };
  double best = 100;
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 60; ++i) {
    const auto p = lab.propose().params;
    REQUIRE(seen.insert(fingerprint(p)).second);
    lab.finish(i, {{"loss", f(p)}});
    best = std::min(best, f(p));
  }
  CHECK(best <= 0.15);  // d = 3 is the least with c = 0.
}

namespace {

/// 1 where y is nearly 0.9137, -1 where it is anything else, 0 where there is no y.
class Needle final : public detail::Term {
 public:
  Eigen::VectorXd at(const detail::Features& points) const override {
    Eigen::VectorXd v(points.size());
    for (Eigen::Index i = 0; i < v.size(); ++i)
      v[i] = points.numeric(1, i) == 0 ? 0 : std::fabs(points.numeric(0, i) + 0.5 - 0.9137) < 1e-6 ? 1 : -1;
    return v;
  }
  double at(const Eigen::VectorXd& point, Eigen::VectorXd&) const override {
    return std::isnan(point[1]) ? 0 : std::fabs(point[1] - 0.9137) < 1e-6 ? 1 : -1;
  }
};

}  // namespace

TEST_CASE("the search for the best point enters another branch where its best trial stood") {
  Dimension kind, y = real("y");
  kind.name = "kind", kind.kind = Dimension::Kind::choice, kind.values = {std::string{"a"}, std::string{"b"}};
  y.when.push_back({"kind", Test::Op::in, {Value{std::string{"b"}}}, 0});
  const Space space = Space::make({kind, y}).value();
  const Axes axes{space};
  Trials trials{axes, {Objective{"loss", false, {}, 1}}, {}};
  Seq seq = 0;
  const std::vector<Params> tried{{{"kind", std::string{"a"}}}, {{"kind", std::string{"b"}}, {"y", 0.9137}}};
  for (std::size_t i = 0; i < tried.size(); ++i) {
    Propose p;
    p.trial = {static_cast<std::int64_t>(i)}, p.params = tried[i];
    trials.learn({++seq, {}, 1, Decided{p, {}}});
  }
  const detail::Kernel kernel{detail::kernel_axes(axes)};
  detail::Acquisition acquisition{kernel};
  acquisition.add(std::make_unique<Needle>());
  const std::vector<std::size_t> order{0, 1};
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    Rng rng{seed, 0};
    const auto point = detail::most_promising(acquisition, trials, order, rng, {.raw = 1, .starts = 1, .descent = 5});
    REQUIRE(point);
    CHECK((*point)[1] == Approx(0.9137));
  }
}

TEST_CASE("more trials than a model holds are no trouble") {
  const Space space = square();
  Axes axes{space};
  GpSettings small;
  small.most = 40, small.fit_iterations = 3;
  GpArm arm{axes, small};
  Objective loss;
  loss.metric = "loss";
  Trials trials{axes, {loss}, {}};
  Imported from;
  Rng rng{1, 1};
  for (int i = 0; i < 400; ++i) {
    const Params p{{"x", rng.uniform()}, {"y", rng.uniform()}};
    from.trials.push_back({p, TrialState::complete, {bowl(p)}});
  }
  trials.learn({1, {}, 1, Observation{from}});
  const auto s = arm.suggest(trials, {0}, Rng{1, 2});
  REQUIRE(s);
  CHECK(bowl(axes.decode(s->point)) < 0.01);
}

TEST_CASE("what a stopped trial would have come to is read from those that passed the same rung") {
  const Space space = square();
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
  const Space space = square();
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

namespace {

constexpr double kBottom[] = {0.8, 0.7, 0.15, 0.2, 0.9};

/// Five parameters, with a prior of width 0.1 at a distance `off` from the best place, towards the middle; none if NaN.
Space believed(double off) {
  std::vector<Dimension> all;
  for (int j = 0; j < 5; ++j) {
    Dimension d = real("x" + std::to_string(j));
    if (!std::isnan(off)) d.prior = Dimension::Prior{kBottom[j] + (kBottom[j] > 0.5 ? -off : off), 0.1, {}};
    all.push_back(d);
  }
  return Space::make(std::move(all)).value();
}

double rippled(const Params& p) {
  double sum = 0;
  for (int j = 0; j < 5; ++j) {
    const double z = of(p, "x" + std::to_string(j)) - kBottom[j];
    sum += z * z + 0.02 * (1 - std::cos(20 * z));
  }
  return sum;
}

/// The best value after so many trials, in the mean of the logarithms of eight experiments.
double reached(const Space& space, int trials, std::int64_t budget) {
  double sum = 0;
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    SamplerContext context{space, {Objective{"loss", false, {}, 1}}, seed, {}};
    context.trials = budget;
    const auto sampler = gp_sampler().make(context).value();
    Seq seq = 0;
    double best = HUGE_VAL;
    for (std::int64_t t = 0; t < trials; ++t) {
      const auto p = sampler->propose({t}, Rng{seed, Purpose::propose, t}).value();
      Propose what;
      what.trial = {t}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
      sampler->learn({++seq, {}, 1, Decided{what, {0, "gp", p.why, p.note}}});
      Settle s;
      s.trial = {t}, s.state = TrialState::complete, s.values = {rippled(p.params)};
      sampler->learn({++seq, {}, 1, Decided{s, {}}});
      best = std::min(best, s.values.front());
    }
    sum += std::log10(best) / 8;
  }
  return sum;
}

}  // namespace

TEST_CASE("gp is faster with a good prior, and overrules a bad one") {
  const Space none = believed(std::nan("")), good = believed(0.05), bad = believed(0.35);
  const double without = reached(none, 30, 50);
  INFO(without);
  CHECK(reached(good, 30, 50) < without - 0.5);
  CHECK(reached(bad, 50, 50) < without);
}

TEST_CASE("gp refuses more objectives than it can model") {
  const Space space = square();
  SamplerContext c{space, {}, 1, {}};
  c.objectives.resize(4);
  CHECK_FALSE(gp_sampler().make(c));
}

namespace {

Space dear_space() { return Space::make({real("u"), real("v"), real("w"), real("y")}).value(); }
// Costs a hundred times as much at y = 1 as at y = 0, like more data or a larger model, and is worth little more at y = 0.6.
double cost_of(const Params& p) { return std::exp(4.6 * of(p, "y")); }
double dear(const Params& p) {
  double sum = 0.02 * std::pow(of(p, "y") - 0.6, 2);
  for (const char* name : {"u", "v", "w"}) {
    const double x = of(p, name) - 0.3;
    sum += x * x + 0.02 * (1 - std::cos(20 * x));
  }
  return sum;
}

/// What it costs until a trial is as good as 0.03; twice all that was spent if none is within the budget.
double cost_to_find(std::uint64_t seed, bool aware) {
  constexpr int kTrials = 60;
  const Space space = dear_space();
  Lab lab{space};
  lab.context.trials = kTrials, lab.context.seed = seed;
  if (aware) lab.context.options.set("cost_aware", true);
  lab.restart();
  double cost = 0;
  for (int k = 0; k < kTrials; ++k) {
    const auto p = lab.sampler->propose({lab.next}, Rng{seed, Purpose::propose, lab.next}).value();
    Propose what;
    what.trial = {lab.next++}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
    lab.learn(Decided{what, {0, "gp", p.why, p.note}});
    Exited over;
    over.trial = what.trial, over.attempt = 1, over.usage.seconds = cost_of(p.params);
    lab.learn(Observation{over});
    lab.finish(what.trial.value, {{"loss", dear(p.params)}});
    cost += cost_of(p.params);
    if (dear(p.params) < 0.03) return cost;
  }
  return 2 * cost;
}

}  // namespace

TEST_CASE("gp that is aware of cost finds as much for less", "[gp]") {
  double ratio = 0;  // Mean logarithm.
  constexpr int kSeeds = 10;
  for (std::uint64_t seed = 0; seed < kSeeds; ++seed) {
    const double plain = cost_to_find(seed, false), aware = cost_to_find(seed, true);
    UNSCOPED_INFO("seed " << seed << ": " << plain << " against " << aware);
    ratio += std::log(aware / plain) / kSeeds;
  }
  CHECK(std::exp(ratio) < 0.7);
}

TEST_CASE("what a trial costs is what its attempts report, else their seconds", "[gp]") {
  const Space space = square();
  const Axes axes{space};
  Trials trials{axes, {Objective{"loss"}}, {}};
  const auto learn = [&](std::variant<Observation, Decided> fact) { trials.learn({1, {}, 1, std::move(fact)}); };
  for (std::int64_t t = 0; t < 2; ++t) {
    Propose p;
    p.trial = {t}, p.params = Params{{"x", 0.5}, {"y", 0.5}};
    learn(Decided{p, {}});
  }
  Reported r;
  r.trial = {1}, r.metrics = {{"loss", 1.0}};
  for (r.attempt = 1; r.attempt < 3; ++r.attempt)
    for (const double so_far : {0.5, 1.25}) r.cost = so_far, learn(Observation{r});
  for (std::int64_t t = 0; t < 2; ++t)
    for (int attempt = 1; attempt < 3; ++attempt) {
      Exited e;
      e.trial = {t}, e.attempt = attempt, e.usage.seconds = 10;
      learn(Observation{e});
    }
  CHECK(trials.find({0})->cost() == 20);
  CHECK(trials.find({1})->cost() == 2.5);
}

TEST_CASE("gp cannot be aware of cost without a budget over which that fades", "[gp]") {
  const Space space = square();
  SamplerContext c{space, {Objective{"loss"}}, 1, Params{{"cost_aware", true}}};
  CHECK_FALSE(gp_sampler().make(c));
  c.trials = 10;
  CHECK(gp_sampler().make(c));
}
