// SPDX-License-Identifier: Apache-2.0
#include "search/ranking.hpp"

#include <catch2/catch.hpp>
#include <cmath>

namespace ranking_test {

using namespace tune;
using Group = detail::Ranking::Group;

namespace {

/// Trials of one parameter that are judged at rungs, and their order.
struct Ladder {
  Space space = [] {
    Dimension x;
    x.name = "x", x.min = 0, x.max = 1;
    return Space::make({x}).value();
  }();
  Axes axes{space};
  Trials trials{axes, {Objective{"loss", false, {}, 1}}, {}};
  detail::Ranking ranking{detail::Ranking::Ties::newest_first};
  Seq seq = 0;

  template <class F>
  void decide(F what) {
    const Record r{++seq, {}, 1, Decided{std::move(what), {}}};
    trials.learn(r), ranking.learn(r, trials);
  }
  void propose(std::int64_t t) {
    Propose p;
    p.trial = {t}, p.params = {{"x", 0.1 * static_cast<double>(t)}};
    decide(p);
  }
  void pause(std::int64_t t, std::int64_t step, double value) { decide(Pause{{t}, 1, Rung{0, 0, step, value, 1, 1, value}}); }
  void extend(std::int64_t t, std::int64_t step, double value) { decide(Extend{{t}, 3 * step, Rung{0, 0, step, value, 1, 1, value}}); }
};

}  // namespace

TEST_CASE("a trial that goes on from a rung stands where it was judged") {
  Ladder l;
  for (int t = 0; t < 3; ++t) l.propose(t);
  l.pause(0, 1, 4);
  l.extend(1, 1, 3);
  CHECK(l.ranking.order() == std::vector<std::uint32_t>{1, 0});  // Of 2 nothing is known.
  l.extend(0, 1, 4);
  l.pause(0, 3, 9);
  CHECK(l.ranking.order() == std::vector<std::uint32_t>{0, 1});
}

TEST_CASE("a trial that diverged is behind all that have a value, however far it got") {
  Ladder l;
  for (int t = 0; t < 2; ++t) l.propose(t);
  l.extend(0, 1, 2);
  l.pause(0, 3, std::nan(""));
  l.pause(1, 1, 5);
  CHECK(l.ranking.order() == std::vector<std::uint32_t>{1, 0});
  CHECK(l.ranking.group(0) == Group::failed);
}

}  // namespace ranking_test
