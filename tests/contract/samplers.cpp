// SPDX-License-Identifier: Apache-2.0
// What every sampler in the table promises. A new one is tested here without a line written.
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A sampler that is asked, answers and learns what became of its answers, as in an experiment.
class Line {
 public:
  Line(const SamplerEntry& entry, const Space& space, std::uint64_t seed = 1) : space_(space), seed_(seed) {
    Params options;
    if (entry.info.name == "grid") options.set("points", std::int64_t{3});
    name_ = entry.info.name;
    objective_.metric = "loss";
    sampler_ = entry.make({space, {objective_}, seed, with_defaults(entry.info, options)}).value();
  }
  std::optional<Sampler::Proposal> ask() const {
    return sampler_->propose({next_}, Rng{seed_, Purpose::propose, next_});
  }
  void learn(const Record& r) {
    records_.push_back(r);
    sampler_->learn(r);
  }
  void propose(const Params& params, const std::string& source, const Note& note = {}) {
    Propose p;
    p.trial = {next_++}, p.params = params, p.source = source;
    if (source == "sampler") p.sampler = name_;
    learn(record(Decided{std::move(p), {0, name_, "", note}}));
  }
  /// The trial last proposed reports, and ends as said.
  void finish(double loss, TrialState state) {
    Reported r;
    r.trial = {next_ - 1}, r.attempt = 1, r.seq = r.step = 1, r.metrics = {{"loss", loss}};
    learn(record(Observation{std::move(r)}));
    Settle s;
    s.trial = {next_ - 1}, s.state = state, s.values = {loss};
    if (state == TrialState::failed) s.cause = Cause::exit, s.values.clear();
    learn(record(Decided{std::move(s), {}}));
  }
  /// One whole trial. False: nothing was proposed.
  bool go(double loss = 1, TrialState state = TrialState::complete) {
    const auto p = ask();
    if (!p) return false;
    propose(p->params, "sampler", p->note);
    finish(loss, state);
    return true;
  }
  void repeat(const Line& other) {
    for (const auto& r : other.records_) learn(r);
    next_ = other.next_;
  }
  const Sampler& sampler() const { return *sampler_; }

 private:
  Record record(std::variant<Observation, Decided> fact) const {
    const auto seq = static_cast<Seq>(records_.size()) + 1;
    return {seq, {static_cast<double>(seq)}, 1, std::move(fact)};
  }
  const Space& space_;
  std::uint64_t seed_;
  std::string name_;
  Objective objective_;
  std::unique_ptr<Sampler> sampler_;
  std::vector<Record> records_;
  std::int64_t next_ = 0;
};

template <class F>
void for_each_sampler(F&& f) {
  for (const auto& entry : samplers()) {
    INFO("sampler " << entry.info.name);
    f(entry);
  }
}

double loss_of(std::int64_t i) { return i % 7 == 3 ? std::nan("") : i % 5 == 0 ? 1.0 : static_cast<double>(i % 11); }

}  // namespace

TEST_CASE("every sampler proposes points of the space with the active parameters and no others", "[contract]") {
  const Space space = mixed_space();
  for_each_sampler([&](const SamplerEntry& entry) {
    Line line{entry, space};
    for (int i = 0; i < 60; ++i) {
      const auto p = line.ask();
      REQUIRE(p);
      REQUIRE(space.complete(p->params).has_value());
      REQUIRE(p->params.contains("momentum") == (to_text(*p->params.find("optimizer")) == "sgd"));
      line.propose(p->params, "sampler", p->note);
      line.finish(loss_of(i), i % 4 == 1 ? TrialState::failed : TrialState::complete);
    }
  });
}

TEST_CASE("every sampler holds the constraints", "[contract]") {
  Dimension a, b;
  a.name = "a", b.name = "b";
  a.min = b.min = 0, a.max = b.max = 1;
  const Space space = Space::make({a, b}, {"a + b <= 0.5"}).value();
  for_each_sampler([&](const SamplerEntry& entry) {
    Line line{entry, space};
    for (int i = 0; i < 40 && !line.sampler().exhausted(); ++i) {
      const auto p = line.ask();
      REQUIRE(p);
      REQUIRE(space.satisfies(p->params));
      line.go(loss_of(i));
    }
  });
}

TEST_CASE("every sampler gives the same answer to the same question, and asking leaves no trace", "[contract]") {
  const Space space = mixed_space();
  for_each_sampler([&](const SamplerEntry& entry) {
    Line asked{entry, space}, quiet{entry, space};
    for (int i = 0; i < 25; ++i) {
      const auto first = asked.ask();
      for (int k = 0; k < 3; ++k) REQUIRE(asked.ask()->params == first->params);
      REQUIRE(quiet.ask()->params == first->params);
      asked.go(loss_of(i));
      quiet.go(loss_of(i));
    }
  });
}

TEST_CASE("every sampler goes on after a restart as if nothing had happened", "[contract]") {
  for (const Space& space : {mixed_space(), small_finite_space()})
    for_each_sampler([&](const SamplerEntry& entry) {
      Line line{entry, space};
      for (int i = 0; i < 12; ++i) {
        Line fresh{entry, space};
        fresh.repeat(line);
        const auto a = line.ask(), b = fresh.ask();
        REQUIRE(a.has_value() == b.has_value());
        REQUIRE((!a || (a->params == b->params && a->note == b->note)));
        REQUIRE(line.sampler().exhausted() == fresh.sampler().exhausted());
        line.go(loss_of(i), i % 3 == 0 ? TrialState::failed : TrialState::complete);
      }
    });
}

TEST_CASE("every sampler uses a finite space up without a repetition, and says so", "[contract]") {
  const Space space = small_finite_space();
  for_each_sampler([&](const SamplerEntry& entry) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
      Line line{entry, space, seed};
      std::set<std::uint64_t> seen;
      while (!line.sampler().exhausted()) {
        const auto p = line.ask();
        REQUIRE(p);
        REQUIRE(space.satisfies(p->params));
        REQUIRE(seen.insert(fingerprint(p->params)).second);
        line.go(loss_of(static_cast<std::int64_t>(seen.size())));
      }
      REQUIRE(seen.size() == 21);  // 4 plain, 4 wide, and of 16 deep ones the 13 with x + depth <= 5.
      REQUIRE_FALSE(line.ask());
    }
  });
}

TEST_CASE("no sampler proposes what a person has tried already, where the space is finite", "[contract]") {
  const Space space = small_finite_space();
  const Params tried{{"x", std::int64_t{0}}, {"kind", std::string{"plain"}}};
  REQUIRE(space.complete(tried));
  for_each_sampler([&](const SamplerEntry& entry) {
    Line line{entry, space};
    line.propose(tried, "enqueued");
    int count = 0;
    while (const auto p = line.ask()) {
      REQUIRE(p->params != tried);
      line.go(static_cast<double>(++count));
    }
    CHECK(count == 20);
    CHECK(line.sampler().exhausted());
  });
}

TEST_CASE("different seeds give different points, except on a grid", "[contract]") {
  const Space space = mixed_space();
  for_each_sampler([&](const SamplerEntry& entry) {
    CHECK((Line{entry, space, 1}.ask()->params == Line{entry, space, 2}.ask()->params) == (entry.info.name == "grid"));
  });
}

TEST_CASE("every sampler knows what to do with a space of one point", "[contract]") {
  Dimension d;
  d.name = "only", d.kind = Dimension::Kind::constant, d.values = {std::int64_t{7}};
  const Space space = Space::make({d}).value();
  for_each_sampler([&](const SamplerEntry& entry) {
    Line line{entry, space};
    CHECK(line.go());
    CHECK(line.sampler().exhausted());
  });
}
