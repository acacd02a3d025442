// SPDX-License-Identifier: Apache-2.0
#include "search/cmaes.hpp"

#include <algorithm>
#include <catch2/catch.hpp>
#include <climits>
#include <cmath>

#include "unit/search/sampler_rig.hpp"

namespace cmaes_test {

using namespace tune;
using namespace tune::test;

namespace {

Space cube(std::size_t d) {
  std::vector<Dimension> all;
  for (std::size_t i = 0; i < d; ++i) all.push_back(real("x" + std::to_string(i), -5, 5));
  return Space::make(std::move(all)).value();
}

double bowl(const Params& p) {
  double sum = 0, i = 0;
  for (const auto& [name, value] : p) sum += std::pow(*to_number(value) - 1 - 0.1 * i++, 2);
  return sum;
}

struct Experiment : SamplerRig {
  explicit Experiment(Space s, std::uint64_t with_seed = 1, const std::string& type = "cmaes", Params options = {})
      : SamplerRig(type == "cmaes" ? cmaes_sampler() : catcma_sampler(), std::move(s), with_seed, std::move(options)) {}
  void open_into(std::vector<std::pair<std::int64_t, Params>>& out) {
    const auto trial = propose();
    out.emplace_back(trial, params(trial));
  }
};

/// Trials until f is below the target, one worker.
template <class F>
int trials_to(Experiment& e, double target, int most, F&& f) {
  for (int i = 1; i <= most; ++i)
    if (e.go(f) < target) return i;
  return INT_MAX;
}

template <class F>
int median_trials(const Space& space, const std::string& type, double target, int most, F&& f) {
  std::vector<int> all;
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Experiment e{space, seed, type};
    all.push_back(trials_to(e, target, most, f));
  }
  std::sort(all.begin(), all.end());
  return all[2];
}

}  // namespace

TEST_CASE("cmaes finds the bottom of a bowl to many digits") {
  CHECK(median_trials(cube(5), "cmaes", 1e-8, 2000, bowl) < 900);
}

TEST_CASE("cmaes finds an optimum in a corner") {
  CHECK(median_trials(cube(4), "cmaes", 1e-12, 2000, [](const Params& p) {
          double sum = 0;
          for (const auto& [name, value] : p) sum += *to_number(value) + 5;
          return sum;
        }) < 150);
}

TEST_CASE("cmaes finds an optimum on a bound to many digits") {
  const auto beyond = [](const Params& p) {
    return std::pow(*to_number(*p.find("x0")) - 6, 2) - 1 + bowl(Params{{"x1", *p.find("x1")}, {"x2", *p.find("x2")}});
  };
  CHECK(median_trials(cube(3), "cmaes", 1e-6, 2000, beyond) < 700);
}

TEST_CASE("cmaes does not freeze on a level of integers beside real parameters") {
  std::vector<Dimension> all;
  for (int i = 0; i < 4; ++i) all.push_back(real("x" + std::to_string(i), -5, 5));
  for (int i = 0; i < 4; ++i) all.push_back(whole("z" + std::to_string(i), -10, 10));
  const auto ellipsoid = [](const Params& p) {
    double sum = 0, i = 0;
    for (const auto& [name, value] : p) sum += std::pow(1e3, i++ / 7) * std::pow(*to_number(value) - 1, 2);
    return sum;
  };
  CHECK(median_trials(Space::make(std::move(all)).value(), "cmaes", 1e-6, 6000, ellipsoid) < 4000);
}

TEST_CASE("cmaes counts a known result instead of trying a configuration again") {
  Experiment e{Space::make({whole("a", 0, 15), whole("b", 0, 15)}).value()};
  double best = HUGE_VAL;
  for (int i = 0; i < 60; ++i)
    best = std::min(best, e.go([](const Params& p) { return std::pow(*to_number(*p.find("a")) - 3, 2) + std::pow(*to_number(*p.find("b")) - 12, 2); }));
  CHECK(best == 0);
  const bool known = std::any_of(e.records.begin(), e.records.end(), [](const Record& r) {
    return r.decided() && r.decided()->reason.note.find("\"known\":") != std::string::npos;
  });
  CHECK(known);
}

TEST_CASE("cmaes refuses choices by name") {
  const Space space = Space::make({real("x"), choice("kind", {std::string{"a"}, std::string{"b"}})}).value();
  const auto made = cmaes_sampler().make({space, {Objective{"loss", false, {}, 1}}, 1, {}});
  REQUIRE_FALSE(made);
  CHECK(made.error().code == Error::Code::invalid);
  CHECK(made.error().message.find("kind") != std::string::npos);
}

TEST_CASE("cmaes goes on after a restart bit for bit, with many trials out and some that fail") {
  Experiment e{cube(3), 7};
  std::vector<std::pair<std::int64_t, Params>> out;
  for (int i = 0; i < 120; ++i) {
    while (out.size() < 7) e.open_into(out);
    const auto which = static_cast<std::ptrdiff_t>(static_cast<std::size_t>(i * 5) % out.size());
    const auto [trial, params] = out[static_cast<std::size_t>(which)];
    out.erase(out.begin() + which);
    e.settle(trial, bowl(params), i % 9 == 4 ? TrialState::failed : TrialState::complete);
    if (i % 20 != 19) continue;
    Experiment again{cube(3), 7};
    for (const auto& r : e.records) again.sampler->learn(r);
    again.next = e.next;
    const auto a = e.ask(), b = again.ask();
    CHECK(a.params == b.params);
    CHECK(a.note == b.note);
  }
}

TEST_CASE("forty workers that finish in any order get to the bottom of a bowl") {
  Experiment e{cube(5), 3};
  std::vector<std::pair<std::int64_t, Params>> out;
  Rng rng{1, 2};
  double best = HUGE_VAL;
  for (int i = 0; i < 2400; ++i) {
    while (out.size() < 40) e.open_into(out);
    const auto which = static_cast<std::ptrdiff_t>(rng.below(out.size()));
    const auto [trial, params] = out[static_cast<std::size_t>(which)];
    out.erase(out.begin() + which);
    e.settle(trial, bowl(params));
    best = std::min(best, bowl(params));
  }
  CHECK(best < 1e-6);
}

TEST_CASE("cmaes keeps out of a region where trials crash") {
  Experiment e{cube(3)};
  int late_failures = 0;
  for (int i = 0; i < 200; ++i) {
    const Params p = e.open();
    const bool crash = *to_number(*p.find("x0")) > 0;
    e.settle(i, bowl(p), crash ? TrialState::failed : TrialState::complete);
    late_failures += i >= 100 && crash;
  }
  CHECK(late_failures < 50);  // The optimum lies behind the border, half of the samples beyond it.
}

TEST_CASE("cmaes begins where the best of imported trials are") {
  Experiment e{cube(3)};
  Imported from;
  Rng rng{3, 3};
  for (int i = 0; i < 100; ++i) {
    const Params p = e.space.decode(std::vector<double>{rng.uniform(), rng.uniform(), rng.uniform()});
    from.trials.push_back({p, TrialState::complete, {bowl(p)}});
  }
  e.learn(Observation{from});
  double sum = 0;
  for (int i = 0; i < 8; ++i) sum += e.go(bowl);
  CHECK(sum / 8 < 12);  // Of the ten best: 2.9; of all: 28.
}

TEST_CASE("cmaes begins again elsewhere when it has converged") {
  Experiment e{cube(2), 1, "cmaes"};
  for (int i = 0; i < 1500; ++i) e.go(bowl);
  CHECK(e.ask().why.find("restart") != std::string::npos);
}

TEST_CASE("without restarts cmaes goes on with an even design when it has converged") {
  Experiment e{cube(2), 1, "cmaes", {{"restarts", std::string{"none"}}}};
  for (int i = 0; i < 1500; ++i) e.go(bowl);
  CHECK(e.ask().why.find("even design") != std::string::npos);
}

// SphereCOM of the CatCMA papers: a sphere, and one of five categories right on each of five parameters.
TEST_CASE("catcma finds numbers and choices together") {
  std::vector<Dimension> all;
  for (int i = 0; i < 5; ++i) all.push_back(real("x" + std::to_string(i), -5, 5));
  for (int i = 0; i < 5; ++i) {
    Dimension c = choice("c" + std::to_string(i), {});
    for (int k = 0; k < 5; ++k) c.values.emplace_back(std::string(1, static_cast<char>('a' + k)));
    all.push_back(std::move(c));
  }
  const auto sphere_com = [](const Params& p) {
    double sum = 0;
    for (const auto& [name, value] : p)
      sum += name[0] == 'c' ? to_text(value) != "d" : std::pow(*to_number(value) - 1, 2);
    return sum;
  };
  CHECK(median_trials(Space::make(std::move(all)).value(), "catcma", 1e-6, 5000, sphere_com) < 2500);
}

TEST_CASE("catcma passes over notes of a space that had other choices") {
  Experiment before{Space::make({real("x"), choice("c", {std::int64_t{1}, std::int64_t{2}, std::int64_t{3}, std::int64_t{4}})}).value(), 1, "catcma"};
  for (int i = 0; i < 40; ++i) before.go([](const Params& p) { return *to_number(*p.find("x")); });
  Experiment after{Space::make({real("x"), choice("c", {std::int64_t{1}, std::int64_t{2}})}).value(), 1, "catcma"};
  for (const auto& r : before.records) after.sampler->learn(r);
  after.next = before.next, after.trials = before.trials;
  CHECK(after.go([](const Params& p) { return *to_number(*p.find("x")); }) >= 0);
}

TEST_CASE("catcma serves choices alone") {
  std::vector<Dimension> all;
  for (int i = 0; i < 12; ++i) all.push_back(choice("c" + std::to_string(i), {std::string{"a"}, std::string{"b"}, std::string{"c"}}));
  const auto wrong = [](const Params& p) {
    double sum = 0;
    for (const auto& [name, value] : p) sum += to_text(value) != "b";
    return sum;
  };
  CHECK(median_trials(Space::make(std::move(all)).value(), "catcma", 0.5, 1500, wrong) < 600);
}

}  // namespace cmaes_test
