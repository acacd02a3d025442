// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/comparison.hpp"

#include <catch2/catch.hpp>
#include <cmath>

using namespace tune;

namespace {

/// Falls from 1 towards `end`, a trial a second.
Course course(double end, int trials = 40, std::uint64_t seed = 0) {
  Course out;
  Rng rng(seed, 3);
  for (int t = 1; t <= trials; ++t)
    out.trials.push_back({end + (1 - end) * std::exp(-0.1 * t) + 0.01 * rng.uniform(), static_cast<double>(t)});
  return out;
}

std::vector<Course> group(double end, int seeds) {
  std::vector<Course> out;
  for (int s = 0; s < seeds; ++s) out.push_back(course(end, 40, static_cast<std::uint64_t>(s) + 1));
  return out;
}

}  // namespace

TEST_CASE("a group that always ends lower is better, seen from either side", "[comparison]") {
  const auto there = compare(group(0.1, 5), group(0.3, 5), {1, 1}), back = compare(group(0.3, 5), group(0.1, 5), {1, 1});
  REQUIRE((there && back));
  CHECK(there->verdict == Verdict::better);
  CHECK(back->verdict == Verdict::worse);
  CHECK(there->p.value() == Approx(2.0 / 252));  // One of the 252 ways, on two sides.
  CHECK(there->superiority == 1);
  CHECK(there->best.back().difference.high < 0);
  CHECK(there->best.size() == 3);
}

TEST_CASE("groups of the same kind are not distinguishable, nor are too few", "[comparison]") {
  CHECK(compare(group(0.2, 6), group(0.2, 6), {1, 1})->verdict == Verdict::not_distinguishable);
  CHECK(compare(group(0.1, 2), group(0.3, 2), {1, 1})->verdict == Verdict::not_distinguishable);
}

TEST_CASE("single experiments are told apart by resampling their trials", "[comparison]") {
  const auto clear = compare({course(0.1)}, {course(0.6)}, {1, 1});
  REQUIRE(clear);
  CHECK_FALSE(clear->p);
  CHECK(clear->verdict == Verdict::better);
  auto lucky = course(0.3);
  lucky.trials[20].score = 0.2;  // One lucky trial is not enough.
  CHECK(compare({lucky}, {course(0.3)}, {1, 1})->verdict == Verdict::not_distinguishable);
}

TEST_CASE("only as many trials count as the shortest experiment has", "[comparison]") {
  const auto c = compare({course(0.1, 40)}, {course(0.1, 12)}, {1, 1});
  CHECK(c->trials == 12);
  CHECK(c->best.front().after == 3);
  CHECK(c->best.back().after == 12);
}

TEST_CASE("how long it takes to come as far as the worse side is told in trials and seconds", "[comparison]") {
  Course fast{{{0.5, 1}, {0.1, 2}, {0.05, 3}, {0.05, 4}}}, slow{{{0.5, 10}, {0.4, 20}, {0.3, 30}, {0.1, 40}}};
  const auto c = compare({fast}, {slow}, {1, 1});
  CHECK(c->target == 0.1);
  CHECK((c->a_trials == 2.0 && c->b_trials == 4.0));
  CHECK((c->a_seconds == 2.0 && c->b_seconds == 40.0));
}

TEST_CASE("failures count as the worst that was seen; nothing can be said of a side without a success", "[comparison]") {
  auto shaky = course(0.2);
  for (std::size_t t = 0; t < 40; t += 2) shaky.trials[t].score = INFINITY;
  const auto c = compare({shaky}, {course(0.2)}, {1, 1});
  REQUIRE(c);
  for (const auto& b : c->best) CHECK((std::isfinite(b.difference.low) && std::isfinite(b.difference.high)));
  Course broken{{{INFINITY, 1}, {INFINITY, 2}}};
  CHECK_FALSE(compare({broken}, {course(0.2)}, {1, 1}));
  CHECK_FALSE(compare({}, {course(0.2)}, {1, 1}));
  CHECK_FALSE(compare({Course{}}, {course(0.2)}, {1, 1}));
}
