// SPDX-License-Identifier: Apache-2.0
// nsga2, nsga3, de, regularized_evolution, and what they are made of.
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numeric>
#include <set>

#include "search/de.hpp"
#include "search/hypervolume.hpp"
#include "search/nsga3.hpp"
#include "search/random.hpp"
#include "search/regularized_evolution.hpp"
#include "search/variation.hpp"

namespace evolution_test {

using namespace tune;

namespace {

Dimension real(std::string name, double min = 0, double max = 1) {
  Dimension d;
  d.name = std::move(name), d.min = min, d.max = max;
  return d;
}

Dimension choice(std::string name, int count) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::choice;
  for (int i = 0; i < count; ++i) d.values.emplace_back(std::string(1, static_cast<char>('a' + i)));
  return d;
}

Dimension integer(std::string name, double min, double max) {
  Dimension d = real(std::move(name), min, max);
  d.kind = Dimension::Kind::integer;
  return d;
}

Space cube(int d) {
  std::vector<Dimension> all;
  for (int i = 0; i < d; ++i) all.push_back(real("x" + std::to_string(i)));
  return Space::make(std::move(all)).value();
}

/// A mixture of everything: "depth" is there only for the first kind.
Space mixed() {
  Dimension depth = integer("depth", 1, 9);
  depth.when = {{"kind", Test::Op::in, {std::string{"a"}}, 0}};
  return Space::make({choice("kind", 3), depth, integer("width", 1, 5), real("rate")}).value();
}

using Function = std::function<std::vector<double>(const Params&)>;
double x(const Params& p, int i) { return *to_number(*p.find("x" + std::to_string(i))); }

/// An experiment with one worker.
class Search {
 public:
  Search(const SamplerEntry& entry, const Space& space, int objectives, std::int64_t trials, std::uint64_t seed = 1)
      : objectives_(static_cast<std::size_t>(objectives)), name_(entry.info.name), seed_(seed) {
    std::vector<Objective> all(objectives_);
    for (std::size_t k = 0; k < objectives_; ++k) all[k].metric = "f" + std::to_string(k);
    Params options;
    for (const auto& o : entry.info.options)
      if (o.fallback.starts_with('"'))
        options.set(std::string{o.name}, std::string{o.fallback.substr(1, o.fallback.size() - 2)});
      else if (!o.fallback.empty())
        options.set(std::string{o.name}, std::stod(std::string{o.fallback}));
    sampler_ = entry.make({space, all, seed, options, {}, trials}).value();
  }
  Sampler::Proposal ask() const { return sampler_->propose({next_}, Rng{seed_, Purpose::propose, next_}).value(); }
  Params propose(const Sampler::Proposal& p) {
    Propose what;
    what.trial = {next_++}, what.params = p.params, what.source = "sampler", what.sampler = name_;
    learn(Decided{std::move(what), {0, name_, p.why, p.note}});
    return p.params;
  }
  void settle(std::int64_t trial, std::vector<double> values, TrialState state = TrialState::complete) {
    Settle s;
    s.trial = {trial}, s.state = state, s.values = std::move(values), s.at_step = 1;
    learn(Decided{std::move(s), {}});
  }
  Outcomes run(std::int64_t trials, const Function& f) {
    Outcomes all(objectives_);
    for (; trials > 0; --trials) {
      const auto values = f(propose(ask()));
      all.add(values);
      settle(next_ - 1, values);
    }
    return all;
  }

 private:
  void learn(std::variant<Observation, Decided> fact) { sampler_->learn({++seq_, {}, 1, std::move(fact)}); }
  std::size_t objectives_;
  std::string name_;
  std::uint64_t seed_;
  std::unique_ptr<Sampler> sampler_;
  std::int64_t next_ = 0;
  Seq seq_ = 0;
};

double least(const Outcomes& all) {
  double best = HUGE_VAL;
  for (std::size_t i = 0; i < all.size(); ++i) best = std::min(best, all[i][0]);
  return best;
}

/// Zitzler, Deb and Thiele 2000; f2 divided by 10 so that (1, 1) bounds it.
std::vector<double> zdt1(const Params& p) {
  double g = 0;
  for (int i = 1; i < 6; ++i) g += x(p, i);
  g = 1 + 9 * g / 5;
  return {x(p, 0), g * (1 - std::sqrt(x(p, 0) / g))};
}

/// Deb, Thiele, Laumanns and Zitzler 2002, three objectives.
std::vector<double> dtlz2(const Params& p) {
  double g = 0;
  for (int i = 2; i < 7; ++i) g += (x(p, i) - 0.5) * (x(p, i) - 0.5);
  const double a = x(p, 0) * M_PI / 2, b = x(p, 1) * M_PI / 2;
  return {(1 + g) * std::cos(a) * std::cos(b), (1 + g) * std::cos(a) * std::sin(b), (1 + g) * std::sin(a)};
}

std::vector<double> sphere(const Params& p) {
  double sum = 0;
  for (int i = 0; i < 5; ++i) sum += (x(p, i) - 0.3 - 0.1 * i) * (x(p, i) - 0.3 - 0.1 * i);
  return {sum};
}

double share_of_volume(const SamplerEntry& entry, const Space& space, const Function& f, std::size_t m, std::uint64_t seed) {
  const std::vector<double> reference(m, m == 2 ? 5.0 : 1.5);
  return hypervolume(Search{entry, space, static_cast<int>(m), 300, seed}.run(300, f), reference);
}

}  // namespace

TEST_CASE("a child has each category from a parent and numbers within the space", "[search]") {
  const Space space = mixed();
  const Axes axes{space};
  Rng rng{1, 1};
  Point a{{0, 0.1, 0.1, 0.0}, {1, 1, 1, 1}}, b{{2, 0.5, 0.9, 1.0}, {1, 0, 1, 1}};
  double sum = 0;
  for (int i = 0; i < 2000; ++i) {
    const Point c = detail::recombine(axes, a, b, rng);
    REQUIRE((c.at[0] == 0 || c.at[0] == 2));
    REQUIRE(c.at[1] == 0.1);  // The other parent has no depth.
    REQUIRE((c.at[3] >= 0 && c.at[3] <= 1));
    sum += c.at[2];
  }
  CHECK(sum / 2000 == Approx(0.3).margin(0.03));  // Half the children have the first parent's, half the mean of both.
}

TEST_CASE("a mutation that must change something changes something", "[search]") {
  const Space space = mixed();
  const Axes axes{space};
  Rng rng{2, 1};
  Point p{{1, 0.5, 0.5, 0.25}, {1, 0, 1, 1}};
  axes.snap(p);
  for (int i = 0; i < 500; ++i) {
    Point q = p;
    detail::mutate(axes, q, 0, true, rng);
    REQUIRE(q.at != p.at);
    REQUIRE(std::inner_product(q.at.begin(), q.at.end(), p.at.begin(), 0, std::plus<>{}, std::not_equal_to<>{}) == 1);
  }
}

TEST_CASE("a move of an ordered axis goes a level at least, back from the end", "[search]") {
  const Space space = Space::make({integer("n", 1, 4)}).value();
  const Axes axes{space};
  Rng rng{3, 1};
  CHECK(detail::move_to(axes, 0, 0.375, 0.38, rng) == 0.625);
  CHECK(detail::move_to(axes, 0, 0.375, 0.37, rng) == 0.125);
  CHECK(detail::move_to(axes, 0, 0.875, 0.99, rng) == 0.625);
  CHECK(detail::move_to(axes, 0, 0.125, 0.99, rng) == 0.875);
}

TEST_CASE("what ended early, broke constraints or crashed comes after what ran to its end", "[search]") {
  Observed complete, early, later, violating, failed;
  complete.state = Observed::State::complete, complete.values = {9};
  early.state = later.state = Observed::State::partial, early.values = later.values = {1}, early.step = 1, later.step = 5;
  violating.state = Observed::State::complete, violating.values = {0}, violating.feasible = false, violating.margins = {0.5};
  failed.state = Observed::State::failed;
  const Observed* order[] = {&complete, &later, &early, &violating, &failed};
  for (int i = 0; i < 4; ++i)
    CHECK(detail::Individual::from(*order[i], 1).better_than(detail::Individual::from(*order[i + 1], 1)));
}

TEST_CASE("genetic algorithms find more of the front than chance does", "[search]") {
  const Space six = cube(6), seven = cube(7);
  for (const auto& entry : {nsga2_sampler(), nsga3_sampler()})
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      INFO(entry.info.name << ", seed " << seed);
      // The ideal front of ZDT1 covers 25 - 1/3, random search 21.
      CHECK(share_of_volume(entry, six, zdt1, 2, seed) > share_of_volume(random_sampler(), six, zdt1, 2, seed) + 1);
      CHECK(share_of_volume(entry, seven, dtlz2, 3, seed) > share_of_volume(random_sampler(), seven, dtlz2, 3, seed) + 0.1);
    }
}

TEST_CASE("differential evolution and ageing evolution come closer than chance does", "[search]") {
  const Space space = cube(5);
  for (const auto& entry : {de_sampler(), regularized_evolution_sampler(), nsga2_sampler()})
    for (std::uint64_t seed = 1; seed <= 3; ++seed) {
      INFO(entry.info.name << ", seed " << seed);
      CHECK(least(Search{entry, space, 1, 400, seed}.run(400, sphere)) <
            least(Search{random_sampler(), space, 1, 400, seed}.run(400, sphere)) / 3);
    }
}

TEST_CASE("evolution finds the best of a space of categories", "[search]") {
  std::vector<Dimension> all;
  for (int i = 0; i < 6; ++i) all.push_back(choice("op" + std::to_string(i), 5));
  const Space space = Space::make(std::move(all)).value();  // 15,625, as many as NAS-Bench-201.
  const Function wrong = [](const Params& p) {
    double count = 0;
    for (int i = 0; i < 6; ++i) count += to_text(*p.find("op" + std::to_string(i))) != std::string(1, static_cast<char>('a' + i % 5));
    return std::vector{count};
  };
  for (const auto& entry : {de_sampler(), regularized_evolution_sampler(), nsga2_sampler()}) {
    INFO(entry.info.name);
    CHECK(least(Search{entry, space, 1, 400}.run(400, wrong)) <= 1);
  }
}

TEST_CASE("the oldest are no parents in ageing evolution, however good they were", "[search]") {
  const Space space = cube(3);
  Search search{regularized_evolution_sampler(), space, 1, 200};
  search.propose(search.ask());
  search.settle(0, {-1000});
  for (int i = 1; i <= 20; ++i) search.propose(search.ask()), search.settle(i, {1});  // The population is 20.
  for (int i = 21; i < 40; ++i) {
    const auto p = search.ask();
    CHECK(p.note.find("\"parent\":0,") == std::string::npos);
    search.propose(p);
  }
}

TEST_CASE("a challenger takes its slot when it is no worse, whatever finished in between", "[search]") {
  const Space space = cube(3);
  Search search{de_sampler(), space, 1, 100};  // A population of 8.
  for (int i = 0; i < 8; ++i) search.propose(search.ask()), search.settle(i, {10.0 + i});
  const auto challenge = [&](int slot) {
    const auto p = search.ask();
    CHECK(p.note.find("\"slot\":" + std::to_string(slot)) != std::string::npos);
    search.propose(p);
    return p.why;
  };
  for (int slot = 0; slot < 8; ++slot) challenge(slot);
  search.settle(9, {11});   // Equal: takes slot 1.
  search.settle(8, {10.5});  // Worse: slot 0 keeps its member.
  CHECK(challenge(0) == "challenges trial 0 for slot 0");
  CHECK(challenge(1) == "challenges trial 9 for slot 1");
}

TEST_CASE("workers that all ask at once get different trials", "[search]") {
  const Space space = cube(3);
  for (const auto& entry : {de_sampler(), regularized_evolution_sampler(), nsga2_sampler(), nsga3_sampler()}) {
    Search search{entry, space, 1, 100};
    search.run(20, [](const Params& p) { return std::vector{x(p, 0)}; });
    std::set<std::uint64_t> different;
    for (int i = 0; i < 50; ++i) different.insert(fingerprint(search.propose(search.ask())));
    CHECK(different.size() == 50);
  }
}

TEST_CASE("one objective is refused more by those that serve one", "[search]") {
  const Space space = cube(2);
  for (const auto& entry : {de_sampler(), regularized_evolution_sampler()}) {
    const auto made = entry.make({space, {{}, {}}, 1, {}});
    REQUIRE_FALSE(made);
    CHECK(made.error().hint == "for several use nsga2 or nsga3");
  }
}

TEST_CASE("reference directions lie evenly on the simplex", "[search]") {
  CHECK(detail::reference_directions(3, 91).size() == 91);  // 12 divisions, as in the paper's table I.
  CHECK(detail::reference_directions(5, 210).size() == 210);  // 6 divisions.
  CHECK(detail::reference_directions(8, 156).size() == 156);  // 3 divisions outside, 2 inside: 120 + 36.
  CHECK(detail::reference_directions(2, 50).size() == 50);
  CHECK(detail::reference_directions(1, 50).size() == 1);
  CHECK(detail::reference_directions(9, 4).size() == 9);  // At least the axes.
  for (const auto& d : detail::reference_directions(8, 156)) {
    CHECK(std::accumulate(d.begin(), d.end(), 0.0) == Approx(1));
    CHECK(*std::min_element(d.begin(), d.end()) >= 0);
  }
}

TEST_CASE("of the fullest niche the one furthest from its direction leaves", "[search]") {
  const detail::Niches niches{detail::reference_directions(2, 3)};  // Both axes and the diagonal.
  const Outcomes outcomes{2, {0, 1, 1, 0, 0.5, 0.5, 0.6, 0.41}};
  CHECK(niches.leaves(outcomes, {}, {0, 1, 2, 3}) == 3);
  CHECK(niches.leaves(outcomes, {3}, {0, 1, 2}) == 2);
}

}  // namespace evolution_test
