// SPDX-License-Identifier: Apache-2.0
#include "search/arm.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <set>

namespace arm_test {

using namespace tune;

namespace {

/// Always says the same: what surrounds it has all the work.
struct Stubborn final : Arm {
  std::optional<Suggestion> suggest(const Trials& t, TrialId, Rng) const override {
    return Suggestion{{std::vector<double>(t.axes().size(), 0.7), {}}, "again", "\"size\":0.1", {}};
  }
};

Space levels(std::int64_t n, std::vector<std::string> constraints = {}) {
  Dimension a, b;
  a.name = "a", a.kind = Dimension::Kind::integer, a.max = static_cast<double>(n - 1);
  b.name = "b", b.min = 0, b.max = 1;
  return Space::make({a, b}, std::move(constraints)).value();
}

struct Line {
  Space space;
  ArmSampler sampler;
  Seq seq = 0;
  std::int64_t next = 0;
  explicit Line(Space s, ArmSettings settings)
      : space(std::move(s)),
        sampler({space, {Objective{"loss", false, {}, 1}}, 1, {}}, std::move(settings),
                [](const Axes&, const SamplerContext&) -> std::unique_ptr<Arm> { return std::make_unique<Stubborn>(); }) {}
  Sampler::Proposal go(double value) {
    auto p = sampler.propose({next}, Rng{1, static_cast<std::uint64_t>(next)}).value();
    Propose d;
    d.trial = {next}, d.params = p.params, d.source = "sampler";
    sampler.learn({++seq, {}, 1, Decided{d, {0, "", p.why, p.note}}});
    Settle s;
    s.trial = {next++}, s.values = {value};
    sampler.learn({++seq, {}, 1, Decided{s, {}}});
    return p;
  }
};

ArmSettings settings() { return {.name = "stubborn", .starts = 4}; }

}  // namespace

TEST_CASE("an arm is asked once the initial design is done, which begins in the middle") {
  Line line{levels(5), settings()};
  CHECK(std::get<std::int64_t>(*line.go(1).params.find("a")) == 2);
  for (int i = 1; i < 4; ++i) CHECK(line.go(1 + i).note == "{\"arm\":\"start\"}");
  CHECK(line.go(1).note == "{\"arm\":\"stubborn\",\"size\":0.1}");
}

TEST_CASE("what an arm repeats is moved to where nothing was tried, and the note says so") {
  Line line{levels(5), settings()};
  std::set<std::uint64_t> seen;
  for (int i = 0; i < 30; ++i) REQUIRE(seen.insert(fingerprint(line.go(i).params)).second);
  CHECK(line.go(1).note.find("\"moved\":\"repeat\"") != std::string::npos);
}

TEST_CASE("what a person expects is tried often at first, and seldom later") {
  Dimension a;
  a.name = "a", a.min = 0, a.max = 1, a.prior = Dimension::Prior{0.2, 0.02, {}};
  Line line{Space::make({a}).value(), settings()};
  int early = 0, late = 0;
  for (int i = 0; i < 400; ++i) {
    const bool near = std::fabs(std::get<double>(*line.go(i).params.find("a")) - 0.2) < 0.1;
    if (i < 10) early += near;
    if (i >= 300) late += near;
  }
  CHECK(early >= 5);
  CHECK(late <= 40);
}

TEST_CASE("what breaks a constraint is moved to where it holds") {
  Line line{levels(5, {"a + b <= 2"}), settings()};
  for (int i = 0; i < 20; ++i) REQUIRE(line.space.satisfies(line.go(i).params));
}

TEST_CASE("equal results push proposals off the plateau") {
  Line line{levels(5), settings()};
  bool moved = false;
  for (int i = 0; i < 20; ++i) moved |= line.go(1).note.find("\"moved\":\"tie\"") != std::string::npos;
  CHECK(moved);
}

TEST_CASE("a note gives back every number as it was") {
  detail::NoteWriter w;
  w.set("size", 0.1 + 0.2).set("at", std::vector<double>{1.0 / 3, 5e-324}).set("of", "a \"b\"");
  const std::string note = "{\"arm\":\"x\"," + w.take() + "}";
  const detail::NoteReader read{note};
  CHECK(read.number("size") == 0.1 + 0.2);
  CHECK(*read.numbers("at") == std::vector<double>{1.0 / 3, 5e-324});
  CHECK(read.text("of") == "a \"b\"");
  CHECK_FALSE(read.number("of"));
}

}  // namespace arm_test
