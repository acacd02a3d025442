// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "search/hypervolume.hpp"
#include "unit/search/gp_lab.hpp"

namespace gp_arm_test {

using namespace tune;
using namespace tune::test;

namespace {

OutcomeConstraint at_most(std::string metric, double max) {
  OutcomeConstraint c;
  c.metric = std::move(metric), c.max = max;
  return c;
}

}  // namespace

TEST_CASE("gp finds the bottom of a bowl in 25 trials") {
  const Space space = plane();
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
  const Space space = plane();
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
  const Space space = plane();
  Lab lab{space};
  const auto rippled = [](const Params& p) { return bowl(p) + 0.1 * std::sin(20 * number(p, "x")) * std::sin(17 * number(p, "y")); };
  for (int i = 0; i < 10; ++i) lab.go(rippled);
  std::vector<Params> under_way;
  for (int i = 0; i < 6; ++i) under_way.push_back(lab.propose().params);
  for (std::size_t i = 0; i < under_way.size(); ++i)
    for (std::size_t k = 0; k < i; ++k)
      CHECK(std::hypot(number(under_way[i], "x") - number(under_way[k], "x"), number(under_way[i], "y") - number(under_way[k], "y")) > 1e-4);
}

TEST_CASE("gp finds what is feasible, and then the best of it") {
  const Space space = plane();
  Lab lab{space, {"loss"}, {at_most("latency", 0.2)}};
  double best = 10;
  int feasible = 0;
  for (int i = 0; i < 35; ++i) {
    const auto p = lab.propose().params;
    const double latency = number(p, "x") + number(p, "y");  // A corner of 2 % of the space holds.
    lab.finish(i, {{"loss", 1 - number(p, "x")}, {"latency", latency}});
    if (latency > 0.2) continue;
    best = std::min(best, 1 - number(p, "x"));
    ++feasible;
  }
  CHECK(feasible > 8);
  CHECK(best < 0.81);  // 0.8 at (0.2, 0).
}

TEST_CASE("gp learns where trials fail and stays away") {
  const Space space = plane();
  Lab lab{space};
  int failed = 0;
  for (int i = 0; i < 45; ++i) {
    const auto p = lab.propose().params;
    const bool fails = number(p, "x") + number(p, "y") > 1.3;  // A quarter of the space; the bottom of the bowl is near.
    lab.finish(i, {{"loss", bowl(p)}}, fails ? TrialState::failed : TrialState::complete);
    failed += i >= 15 && fails;
  }
  CHECK(failed <= 5);
}

TEST_CASE("gp takes a loss that is not a number for a failure") {
  const Space space = plane();
  Lab lab{space};
  int diverged = 0;
  for (int i = 0; i < 40; ++i) {
    const auto p = lab.propose().params;
    const bool diverges = number(p, "y") > 0.9;
    lab.finish(i, {{"loss", diverges ? std::nan("") : bowl(p)}});
    diverged += i >= 15 && diverges;
  }
  CHECK(diverged <= 4);
}

TEST_CASE("gp spreads over the front of two and of three objectives") {
  const Space space = plane();
  const Axes axes{space};
  for (const std::size_t m : {2u, 3u}) {
    const auto values = [m](const Params& p) {
      const double x = number(p, "x"), y = number(p, "y");
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
  const Space space = plane();
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
  const auto f = [](const Params& p) { return std::abs(number(p, "a") - 7) + std::abs(number(p, "b") - 2) + std::abs(number(p, "c") - number(p, "d") + 3) + number(p, "d") / 20; };
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
  const Space space = plane();
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

TEST_CASE("gp refuses more objectives than it can model") {
  const Space space = plane();
  SamplerContext c{space, {}, 1, {}};
  c.objectives.resize(4);
  CHECK_FALSE(gp_sampler().make(c));
}

}  // namespace gp_arm_test
