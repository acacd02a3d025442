// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>
#include <cmath>

#include "bench/regret/functions.hpp"
#include "bench/regret/problem.hpp"
#include "tuner/rng.hpp"
#include "unit/regret/fixtures.hpp"

using namespace tune;
using namespace tune::regret;

namespace {

constexpr const char* kSets[] = {"tuning", "conditional", "confirm", "failing"};

template <class F>
void for_each_problem(F&& f) {
  for (const char* set : kSets)
    for (const auto& p : synthetic(set)) {
      INFO(set << "/" << p.name);
      f(p);
    }
}

std::vector<double> drawn(Rng& rng, std::size_t size) {
  std::vector<double> unit(size);
  for (double& u : unit) u = rng.uniform();
  return unit;
}

}  // namespace

TEST_CASE("moved functions are zero at zero and positive elsewhere", "[regret]") {
  namespace f = functions;
  for (const auto function : {f::sphere, f::ellipsoid, f::bent_cigar, f::rosenbrock, f::zakharov, f::dixon_price,
                              f::sum_of_powers, f::plateau, f::rastrigin, f::ackley, f::griewank, f::levy, f::schaffer_f7,
                              f::weierstrass}) {
    CHECK(function(std::vector<double>(5, 0.0)) == Approx(0).margin(1e-12));
    CHECK(function(std::vector<double>{0.3, -0.2, 0.7, 0.1, -0.6}) > 1e-4);
  }
}

TEST_CASE("functions with places of their own have their known minima", "[regret]") {
  CHECK(functions::schwefel(std::vector<double>(3, 420.968746)) == Approx(0).margin(1e-4));
  // Jamil and Yang 2013 and later tables: -1.8013, -4.687658, -9.66015.
  CHECK(functions::michalewicz_minimum(2) == Approx(-1.8013034).epsilon(1e-6));
  CHECK(functions::michalewicz_minimum(5) == Approx(-4.687658).epsilon(1e-6));
  CHECK(functions::michalewicz_minimum(10) == Approx(-9.660152).epsilon(1e-6));
}

TEST_CASE("no draw is below a problem's optimum", "[regret]") {
  for_each_problem([](const Problem& p) {
    Rng rng{1, 1};
    for (int i = 0; i < 300; ++i)
      if (const auto value = p.evaluate(p.space.decode(drawn(rng, p.space.size())))) REQUIRE(*value >= *p.optimum - 1e-9);
  });
}

TEST_CASE("the optimum of a problem is where it is said to be", "[regret]") {
  // Hooke and Jeeves' pattern search from many starts gets close on all that is not rugged.
  for (const auto& p : synthetic("tuning")) {
    if (p.name.find("sphere") == std::string::npos && p.name != "branches" && p.name != "switches") continue;
    INFO(p.name);
    Rng rng{2, 1};
    double best = INFINITY;
    for (int start = 0; start < 30; ++start) {
      auto u = drawn(rng, p.space.size());
      const auto value = [&] { return p.evaluate(p.space.decode(u)).value_or(INFINITY); };
      double here = value();
      for (double step = 0.25; step > 1e-5; step /= 2)
        for (std::size_t i = 0; i < 3 * u.size(); ++i)
          for (const double by : {step, -step}) {
            const double before = u[i % u.size()];
            u[i % u.size()] = std::clamp(before + by, 0.0, 0.999999);
            if (const double there = value(); there < here) here = there;
            else u[i % u.size()] = before;
          }
      best = std::min(best, here);
    }
    CHECK(best - *p.optimum < 0.02 * (measure_reference(p).median - *p.optimum));
  }
}

TEST_CASE("three tenths of a failing space fail, and its optimum does not", "[regret]") {
  for (const auto& p : synthetic("failing")) {
    INFO(p.name);
    Rng rng{3, 1};
    int failed = 0;
    for (int i = 0; i < 4000; ++i) failed += !p.evaluate(p.space.decode(drawn(rng, p.space.size())));
    CHECK(failed / 4000.0 == Approx(0.3).margin(0.03));
  }
}

TEST_CASE("the set to tune on and the set to confirm on have no instance in common", "[regret]") {
  for (const auto& a : synthetic("tuning"))
    for (const auto& b : synthetic("confirm")) {
      if (a.name != b.name) continue;
      INFO(a.name);
      Rng rng{4, 1}, same{4, 1};
      CHECK(a.evaluate(a.space.decode(drawn(rng, a.space.size()))) !=
            b.evaluate(b.space.decode(drawn(same, b.space.size()))));
    }
}

TEST_CASE("problems are the same every time", "[regret]") {
  const auto once = synthetic("confirm"), twice = synthetic("confirm");
  for (std::size_t i = 0; i < once.size(); ++i)
    CHECK(measure_reference(once[i]).early == measure_reference(twice[i]).early);
}
