// SPDX-License-Identifier: Apache-2.0
#include "search/auto.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

#include "unit/search/sampler_rig.hpp"

namespace auto_test {

using namespace tune;
using namespace tune::test;

namespace {

struct Line : SamplerRig {
  explicit Line(Space s, std::size_t objectives = 1) : SamplerRig(auto_sampler(), std::move(s), 1, {}, objectives) {}
  /// One trial, its proposal taking so long; what the note says of the arm.
  std::string go(double seconds = 0, double trial_seconds = 1) {
    const auto p = ask();
    const auto trial = put(p.params, p.note, "sampler", seconds);
    learn(Started{{trial}, 1, 0, WorkerId{0}, 1});
    now.seconds += trial_seconds;
    Exited e;
    e.trial = {trial}, e.attempt = 1;
    learn(e);
    std::vector<double> values{tilted_bowl(p.params)};
    if (goals.size() > 1) values.push_back(number(p.params, "x"));
    settle(trial, values);
    best = std::min(best, values.front());
    why = p.why, note = p.note;
    return std::string{detail::NoteReader{p.note}.text("arm").value_or("")};
  }
  double best = HUGE_VAL;
  std::string why, note;
};

std::map<std::string, int> count(Line& line, int trials, double seconds = 0) {
  std::map<std::string, int> by_arm;
  for (int i = 0; i < trials; ++i) ++by_arm[line.go(seconds)];
  return by_arm;
}

}  // namespace

TEST_CASE("auto begins with a design, then its arms take turns and the note says who spoke") {
  Line line{plane()};
  auto arms = count(line, 5);
  CHECK(arms["start"] == 5);
  CHECK(line.go() == "local");
  CHECK(line.go() == "gp");
  CHECK(line.go() == "gp");
  CHECK(line.go() == "tpe");
  CHECK(line.note.find("\"turn\":3,\"for\":\"numeric parameters\"") != std::string::npos);
  CHECK(line.why.starts_with("Parzen estimator"));
}

TEST_CASE("auto finds the bottom of a bowl") {
  Line line{plane()};
  count(line, 30);
  CHECK(line.best < 1e-9);
}

TEST_CASE("auto steps down to cheap arms when models take more than a twentieth of a trial, and says so") {
  Line line{plane()};
  count(line, 10, 0.2);
  auto arms = count(line, 8, 0.2);
  CHECK(arms["gp"] == 0);
  CHECK(arms["tpe"] > 0);
  CHECK(line.why.find("quick trials") != std::string::npos);
}

TEST_CASE("auto serves several objectives without the local model") {
  Line line{plane(), 2};
  auto arms = count(line, 20);
  CHECK(arms["local"] == 0);
  CHECK(arms["gp"] > 0);
}

}  // namespace auto_test
