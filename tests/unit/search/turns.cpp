// SPDX-License-Identifier: Apache-2.0
#include "search/turns.hpp"

#include <algorithm>
#include <catch2/catch.hpp>

namespace turns_test {

using namespace tune;
using namespace tune::detail;
using enum tune::detail::ArmKind;

namespace {

Situation numbers(std::size_t axes) {
  Situation s;
  s.axes = s.numeric = axes;
  return s;
}

Dimension choice(std::string name, std::size_t values, std::vector<Test> when = {}) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::choice, d.when = std::move(when);
  for (std::size_t i = 0; i < values; ++i) d.values.push_back(std::string(1, static_cast<char>('a' + i)));
  return d;
}

using Cycle = std::vector<ArmKind>;

}  // namespace

TEST_CASE("numbers get a local model and models of the whole space in turn") {
  CHECK(turns(numbers(5)).cycle == Cycle{local, gp, gp, tpe});
}

TEST_CASE("where every parameter has few values the Gaussian process is alone") {
  Situation s = numbers(5);
  s.discrete = true;
  CHECK(turns(s).cycle == Cycle{gp});
}

TEST_CASE("where most trials are ended early neither a local model nor CMA-ES has turns") {
  Situation s = numbers(5);
  s.finished = 100, s.partial = 51;
  CHECK(turns(s).cycle == Cycle{gp, tpe});
  s.dear = true;
  CHECK(turns(s).cycle == Cycle{tpe});
  s.dear = false, s.pending = 20;
  CHECK(turns(s).cycle == Cycle{tpe});
  s.pending = 4, s.finished = 1000, s.partial = 900;
  CHECK(turns(s).cycle == Cycle{tpe});
  s.partial = 100;
  CHECK(turns(s).cycle == Cycle{local, cma});
}

TEST_CASE("many categories and many parameters for few trials are for the Parzen estimator") {
  Situation categories = numbers(5), wide = numbers(61);
  categories.categories = 21;
  for (const auto& s : {categories, wide}) CHECK(turns(s).cycle == Cycle{tpe});
  wide.finished = 5 * 61;
  CHECK(turns(wide).cycle != Cycle{tpe});
}

TEST_CASE("models that cost too much are left out") {
  Situation s = numbers(5), listed = s;
  s.dear = listed.dear = listed.discrete = true;
  s.discrete = false;
  CHECK(turns(s).cycle == Cycle{local, tpe});
  CHECK(turns(listed).cycle == Cycle{tpe});
}

TEST_CASE("while workers are many for the results that are in, the Parzen estimator waits") {
  Situation s = numbers(5);
  s.pending = 7, s.finished = 55;
  CHECK(turns(s).cycle == Cycle{local, gp});
  s.finished = 56;
  CHECK(turns(s).cycle == Cycle{local, gp, gp, tpe});
  s.pending = 0, s.finished = 5;
  CHECK(turns(s).cycle == Cycle{local, gp, gp, tpe});
}

TEST_CASE("an arm that has nothing to say is followed by the others, each once") {
  CHECK(order({local, gp, gp, tpe}, 0, 0) == Cycle{local, gp, tpe});
  CHECK(order({local, gp, gp, tpe}, 3, 0).front() == tpe);
  CHECK(order({gp}, 7, 9) == Cycle{gp});
}

TEST_CASE("after four failed steps the local arm gets every third of its turns") {
  int taken = 0;
  for (std::size_t turn = 0; turn < 48; turn += 4) taken += order({local, gp, gp, tpe}, turn, 4).front() == local;
  CHECK(taken == 4);
}

TEST_CASE("a situation counts axes, and the values of those without an order") {
  const Test is_a{"kind", Test::Op::in, {Value{std::string{"a"}}}, 0}, is_b{"kind", Test::Op::in, {Value{std::string{"b"}}}, 0};
  const Space space = Space::make({choice("kind", 3), choice("x", 2, {is_a}), choice("y", 2, {is_a}), choice("z", 2, {is_b})}).value();
  const Axes axes{space};
  const Situation s = situation(axes, 1);
  CHECK(s.categories == 9);
  CHECK(s.numeric == 0);
  CHECK(s.discrete);
}

}  // namespace turns_test
