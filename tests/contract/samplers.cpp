// SPDX-License-Identifier: Apache-2.0
// What every sampler in the table promises. A new one is tested here without a line written.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <set>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

/// A sampler that is asked, answers and learns what became of its answers, as in an experiment.
class Line {
 public:
  Line(const SamplerEntry& entry, const Space& space, std::uint64_t seed = 1, int objectives = 1)
      : space_(space), seed_(seed), name_(entry.info.name), sampler_(make(entry, space, seed, objectives).value()) {}

  /// An error where the sampler cannot serve such an experiment.
  static Result<std::unique_ptr<Sampler>> make(const SamplerEntry& entry, const Space& space, std::uint64_t seed, int objectives) {
    Params options;
    if (entry.info.name == "grid") options.set("points", std::int64_t{3});
    std::vector<Objective> all(static_cast<std::size_t>(objectives));
    for (std::size_t k = 0; k < all.size(); ++k) all[k].metric = kMetrics[k];
    return entry.make({space, all, seed, with_defaults(entry.info, options)});
  }

  std::optional<Sampler::Proposal> ask() const {
    return sampler_->propose({next_}, Rng{seed_, Purpose::propose, next_});
  }
  void learn(std::variant<Observation, Decided> fact) {
    const auto seq = static_cast<Seq>(records_.size()) + 1;
    records_.push_back({seq, {static_cast<double>(seq)}, 1, std::move(fact)});
    sampler_->learn(records_.back());
  }
  std::int64_t propose(const Params& params, const std::string& source, const Note& note = {}) {
    Propose p;
    p.trial = {next_++}, p.params = params, p.source = source;
    if (source == "sampler") p.sampler = name_;
    learn(Decided{std::move(p), {0, name_, "", note}});
    return next_ - 1;
  }
  /// The trial reports and ends as said.
  void finish(std::int64_t trial, std::vector<double> values, TrialState state, std::int64_t step = 1) {
    Reported r;
    r.trial = {trial}, r.attempt = 1, r.seq = 1, r.step = step;
    std::vector<std::string> names;
    for (std::size_t k = 0; k < values.size(); ++k) names.emplace_back(kMetrics[k]);
    r.metrics.names = std::make_shared<const std::vector<std::string>>(names);
    r.metrics.values = values;
    learn(Observation{std::move(r)});
    Settle s;
    s.trial = {trial}, s.state = state, s.values = std::move(values), s.at_step = step;
    if (state == TrialState::failed) s.cause = Cause::exit, s.values.clear();
    learn(Decided{std::move(s), {}});
  }
  void finish(double loss, TrialState state) { finish(next_ - 1, {loss}, state); }
  /// One whole trial. False: nothing was proposed.
  bool go(double loss = 1, TrialState state = TrialState::complete) {
    const auto p = ask();
    if (!p) return false;
    propose(p->params, "sampler", p->note);
    finish(loss, state);
    return true;
  }
  /// Proposes, and says whether the proposal may be: complete, active parameters only, constraints held.
  bool valid() {
    const auto p = ask();
    if (!p || !space_.complete(p->params) || !space_.satisfies(p->params)) return false;
    propose(p->params, "sampler", p->note);
    return true;
  }
  void repeat(const Line& other) {
    for (const auto& r : other.records_) learn(r.fact);
    next_ = other.next_;
  }
  const Sampler& sampler() const { return *sampler_; }

 private:
  static constexpr const char* kMetrics[] = {"loss", "seconds", "bytes", "watts"};
  const Space& space_;
  std::uint64_t seed_;
  std::string name_;
  std::unique_ptr<Sampler> sampler_;
  std::vector<Record> records_;
  std::int64_t next_ = 0;
};

/// For every sampler that serves the space; one that does not must say why.
template <class F>
void for_each_sampler(const Space& space, F&& f, int objectives = 1) {
  for (const auto& entry : samplers()) {
    INFO("sampler " << entry.info.name);
    const auto made = Line::make(entry, space, 1, objectives);
    if (made)
      f(entry);
    else
      CHECK((made.error().code == Error::Code::invalid && !made.error().message.empty()));
  }
}

/// Two real axes, one of them logarithmic: what every sampler but the grid is made for.
Space real_space() {
  Dimension a, b;
  a.name = "a", b.name = "b", b.kind = Dimension::Kind::loguniform;
  a.min = 0, a.max = 1, b.min = 1e-5, b.max = 1;
  return Space::make({a, b}).value();
}

std::int64_t from_environment(const char* name, std::int64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::atoll(text) : otherwise;
}

double loss_of(std::int64_t i) { return i % 7 == 3 ? std::nan("") : i % 5 == 0 ? 1.0 : static_cast<double>(i % 11); }

}  // namespace

TEST_CASE("every sampler proposes points of the space with the active parameters and no others", "[contract]") {
  const Space space = mixed_space();
  for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for (const Space& space : {mixed_space(), small_finite_space(), real_space()})
    for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for_each_sampler(space, [&](const SamplerEntry& entry) {
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
  for_each_sampler(space, [&](const SamplerEntry& entry) {
    Line one{entry, space, 1}, two{entry, space, 2};
    REQUIRE((one.go() && two.go()));  // Many begin in the middle of the space, which is the same for all.
    CHECK((one.ask()->params == two.ask()->params) == (entry.info.name == "grid"));
  });
}

TEST_CASE("every sampler knows what to do with a space of one point", "[contract]") {
  Dimension d;
  d.name = "only", d.kind = Dimension::Kind::constant, d.values = {std::int64_t{7}};
  const Space space = Space::make({d}).value();
  for_each_sampler(space, [&](const SamplerEntry& entry) {
    Line line{entry, space};
    CHECK(line.go());
    CHECK(line.sampler().exhausted());
  });
}

TEST_CASE("every sampler copes with whatever trials report", "[contract]") {
  const double nan = std::nan(""), huge = 1e300;
  const std::vector<std::vector<double>> stories{{1}, {nan}, {huge, -huge}, {HUGE_VAL, 1}, {-HUGE_VAL, 0}, {5e-324, 0}, {1, 1, 1, 2}};
  for (const Space& space : {mixed_space(), real_space()})
    for_each_sampler(space, [&](const SamplerEntry& entry) {
      for (const auto& story : stories) {
        Line line{entry, space};
        for (std::size_t i = 0; i < 30 && !line.sampler().exhausted(); ++i) {
          REQUIRE(line.valid());
          line.finish(story[i % story.size()], TrialState::complete);
        }
      }
    });
}

TEST_CASE("every sampler goes on while everything fails, is stopped early or is cancelled", "[contract]") {
  for (const Space& space : {mixed_space(), real_space()})
    for_each_sampler(space, [&](const SamplerEntry& entry) {
      for (const auto state : {TrialState::failed, TrialState::infeasible, TrialState::stopped, TrialState::cancelled}) {
        Line line{entry, space};
        for (std::int64_t i = 0; i < 30 && !line.sampler().exhausted(); ++i) {
          REQUIRE(line.valid());
          line.finish(i, {loss_of(i)}, state, 1 + i % 3);
        }
      }
    });
}

TEST_CASE("every sampler feeds a thousand workers", "[contract]") {
  const Space space = real_space();
  for_each_sampler(space, [&](const SamplerEntry& entry) {
    Line line{entry, space};
    for (int i = 0; i < 1000 && !line.sampler().exhausted(); ++i) REQUIRE(line.valid());
    if (line.sampler().exhausted()) return;  // A grid is small.
    for (std::int64_t i = 0; i < 30; ++i) line.finish(7 * i, {loss_of(i)}, TrialState::complete);
    for (int i = 0; i < 5; ++i) REQUIRE(line.valid());
  });
}

TEST_CASE("every sampler that serves several objectives learns from all of them", "[contract]") {
  for (int objectives = 2; objectives <= 4; ++objectives)
    for (const Space& space : {mixed_space(), real_space()})
      for_each_sampler(space, [&](const SamplerEntry& entry) {
        Line line{entry, space, 1, objectives};
        for (std::int64_t i = 0; i < 25 && !line.sampler().exhausted(); ++i) {
          REQUIRE(line.valid());
          std::vector<double> values;
          for (int k = 0; k < objectives; ++k) values.push_back(loss_of(i + 3 * k));
          line.finish(i, values, i % 6 == 5 ? TrialState::failed : TrialState::complete);
        }
      }, objectives);
}

TEST_CASE("every sampler takes what another experiment found", "[contract]") {
  const Space space = real_space();
  for_each_sampler(space, [&](const SamplerEntry& entry) {
    Line line{entry, space};
    Imported from;
    Rng rng{3, 3};
    for (int i = 0; i < 40; ++i)
      from.trials.push_back({space.decode(std::vector<double>{rng.uniform(), rng.uniform()}), TrialState::complete, {loss_of(i)}});
    line.learn(Observation{from});
    for (int i = 0; i < 10 && !line.sampler().exhausted(); ++i) REQUIRE(line.go(loss_of(i)));
  });
}

// A release is held to two million in all, which take minutes: see tests/CMakeLists.txt.
TEST_CASE("no sampler ever leaves the space", "[contract]") {
  const auto most = from_environment("TUNE_PROPOSALS", 300);
  for (const Space& space : {mixed_space(), real_space()})
    for_each_sampler(space, [&](const SamplerEntry& entry) {
      std::int64_t left = most, in_a_row = entry.info.name == "random" ? most : 500;
      for (std::uint64_t seed = 1; left > 0; ++seed) {
        Line line{entry, space, seed};
        if (!line.sampler().quick()) left = std::min<std::int64_t>(left, most / 1000 + 60);
        for (std::int64_t i = 0; i < in_a_row && left > 0 && !line.sampler().exhausted(); ++i, --left) {
          if (!line.valid()) FAIL("trial " << i << " of seed " << seed);
          line.finish(i, {loss_of(i)}, i % 4 == 1 ? TrialState::failed : TrialState::complete);
        }
      }
    });
}
