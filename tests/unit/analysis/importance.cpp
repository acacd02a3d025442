// SPDX-License-Identifier: Apache-2.0
#include "ui/analysis/importance.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <map>

using namespace tune;

namespace {

double weyl(int trial, int prime) {
  const double x = (trial + 1) * std::sqrt(static_cast<double>(prime));
  return x - std::floor(x);
}

Dimension dimension(const std::string& name, Dimension::Kind kind, double min = 0, double max = 1) {
  Dimension d;
  d.name = name, d.kind = kind, d.min = min, d.max = max, d.step = kind == Dimension::Kind::integer ? 1 : 0;
  return d;
}

Dimension choice(const std::string& name) {
  auto d = dimension(name, Dimension::Kind::choice);
  d.values = {std::string("a"), std::string("b"), std::string("c"), std::string("d")};
  return d;
}

Space mixed_space() {
  auto k = dimension("k", Dimension::Kind::uniform);
  k.when = {{"c", Test::Op::in, {std::string("a")}, 0}};
  auto space = Space::make({dimension("x", Dimension::Kind::uniform), dimension("z", Dimension::Kind::integer, 0, 9),
                            choice("c"), dimension("lr", Dimension::Kind::loguniform, 1e-4, 1), k});
  REQUIRE(space);
  return *space;
}

struct Made {
  std::vector<Params> params;
  std::vector<double> outcomes;
  Evidence evidence(const Space& space) const {
    std::vector<const Params*> pointers;
    for (const auto& p : params) pointers.push_back(&p);
    return tune::evidence(space, pointers, outcomes);
  }
};

/// The same trials as the script that the figures below come from.
Made mixed(int n, bool conditional) {
  Made made;
  for (int t = 0; t < n; ++t) {
    const double x = weyl(t, 2);
    const auto z = static_cast<std::int64_t>(weyl(t, 3) * 10);
    const auto c = static_cast<std::size_t>(weyl(t, 5) * 4);
    const double exponent = 4 * weyl(t, 7) - 4, lr = 1e-4 * std::pow(10.0, 4 * weyl(t, 7));
    double y = (x - 0.3) * (x - 0.3) + 0.05 * std::abs(static_cast<double>(z) - 4) + 0.1 * static_cast<double>(c) +
               0.01 * weyl(t, 13) + 0.02 * (exponent + 2) * (exponent + 2);
    Params p{{"x", x}, {"z", z}, {"c", std::string(1, static_cast<char>('a' + c))}, {"lr", lr}};
    if (conditional && c == 0) p.set("k", weyl(t, 11)), y += 0.3 * weyl(t, 11);
    made.params.push_back(std::move(p));
    made.outcomes.push_back(y);
  }
  return made;
}

std::map<std::string, Importance> by_name(const std::vector<Importance>& all) {
  std::map<std::string, Importance> out;
  for (const auto& i : all) out[i.name] = i;
  return out;
}

}  // namespace

// Figures: optuna 5.0.0, PedAnovaImportanceEvaluator().evaluate() of the same trials (not normalised).
TEST_CASE("PED-ANOVA gives Optuna's figures, categorical, integer and logarithmic parameters included", "[importance]") {
  const auto space = mixed_space();
  const auto all = by_name(ped_anova(mixed(200, false).evidence(space)));
  CHECK(all.at("c").value == Approx(0.002776786).epsilon(1e-6));
  CHECK(all.at("lr").value == Approx(0.00029479).epsilon(1e-5));
  CHECK(all.at("x").value == Approx(0.006250192).epsilon(1e-6));
  CHECK(all.at("z").value == Approx(0.005632835).epsilon(1e-6));
}

TEST_CASE("PED-ANOVA judges a conditional parameter where it is active, as Optuna does", "[importance]") {
  const auto space = mixed_space();
  const auto few = by_name(ped_anova(mixed(200, true).evidence(space)));
  CHECK(few.at("k").value == Approx(0.008521872).epsilon(1e-6));
  CHECK(few.at("c").value == Approx(0.001912592).epsilon(1e-6));
  const auto many = by_name(ped_anova(mixed(1000, true).evidence(space)));
  CHECK(many.at("k").value == Approx(0.004811307).epsilon(1e-6));
  CHECK(many.at("z").value == Approx(0.011032186).epsilon(1e-6));
}

TEST_CASE("PED-ANOVA puts many integers on the grid where Optuna does", "[importance]") {
  auto log = dimension("li", Dimension::Kind::logint, 1, 1024);
  log.step = 1;
  const auto space = Space::make({dimension("big", Dimension::Kind::integer, 0, 999), log});
  REQUIRE(space);
  Made made;
  for (int t = 0; t < 300; ++t) {
    const auto big = static_cast<std::int64_t>(weyl(t, 2) * 1000);
    const auto li = static_cast<std::int64_t>(std::pow(2.0, 10 * weyl(t, 3)));
    made.params.push_back({{"big", big}, {"li", li}});
    made.outcomes.push_back(std::abs(static_cast<double>(big) - 300) / 1000 +
                            std::abs(std::log2(static_cast<double>(li)) - 5) / 20);
  }
  const auto all = by_name(ped_anova(made.evidence(*space)));
  CHECK(all.at("big").value == Approx(0.0220154926).epsilon(1e-6));
  // Ours is the quantile of an integer's share of the prior, not its logarithm: a cell apart at the lower end.
  CHECK(all.at("li").value == Approx(0.00952997520).epsilon(0.25));
}

// Figures: optuna 5.0.0 with scikit-learn 1.9.1, FanovaImportanceEvaluator(seed=0 … 4).evaluate() of the same trials, mean.
TEST_CASE("fANOVA agrees with Optuna's", "[importance]") {
  const auto space = Space::make({dimension("x", Dimension::Kind::uniform), dimension("y", Dimension::Kind::uniform),
                                  dimension("z", Dimension::Kind::uniform), choice("c")});
  REQUIRE(space);
  Made made;
  for (int t = 0; t < 500; ++t) {
    const double x = weyl(t, 2), y = weyl(t, 3), z = weyl(t, 5);
    const auto c = static_cast<std::size_t>(weyl(t, 7) * 4);
    constexpr double effect[] = {0, 0.5, 1, 0.2};
    made.params.push_back({{"x", x}, {"y", y}, {"z", z}, {"c", std::string(1, static_cast<char>('a' + c))}});
    made.outcomes.push_back(3 * x + std::sin(6 * y) + x * z + effect[c]);
  }
  const auto all = by_name(fanova(made.evidence(*space)));
  CHECK(all.at("x").value == Approx(0.5557).margin(0.03));
  CHECK(all.at("y").value == Approx(0.2885).margin(0.03));
  CHECK(all.at("c").value == Approx(0.0664).margin(0.02));
  CHECK(all.at("z").value == Approx(0.0050).margin(0.01));
  for (const auto& [name, i] : all) CHECK((i.spread > 0 && i.spread < 0.1));
}

TEST_CASE("fANOVA explains what has no noise in full", "[importance]") {
  // y = u + 2 v on a full grid: variances 1 to 4, no interaction.
  const auto space = Space::make({dimension("u", Dimension::Kind::uniform), dimension("v", Dimension::Kind::uniform)});
  Made made;
  for (int i = 0; i < 40; ++i)
    for (int j = 0; j < 40; ++j) {
      made.params.push_back({{"u", (i + 0.5) / 40}, {"v", (j + 0.5) / 40}});
      made.outcomes.push_back((i + 2 * j) / 40.0);
    }
  const auto all = by_name(fanova(made.evidence(*space)));
  CHECK(all.at("u").value == Approx(0.2).margin(0.02));
  CHECK(all.at("v").value == Approx(0.8).margin(0.02));
}

TEST_CASE("what two parameters decide only together is their interaction, and nobody's alone", "[importance]") {
  const auto space = Space::make({dimension("u", Dimension::Kind::uniform), dimension("v", Dimension::Kind::uniform),
                                  dimension("w", Dimension::Kind::uniform)});
  Made made;
  for (int t = 0; t < 1500; ++t) {
    const double u = weyl(t, 2), v = weyl(t, 3);
    made.params.push_back({{"u", u}, {"v", v}, {"w", weyl(t, 5)}});
    made.outcomes.push_back((u < 0.5) == (v < 0.5) ? 1 : 0);  // An exclusive or.
  }
  const auto evidence = made.evidence(*space);
  const std::size_t all[] = {0, 1, 2};
  const auto pairs = interactions(evidence, all);
  REQUIRE(pairs.size() == 3);
  CHECK((pairs[0].a == "u" && pairs[0].b == "v"));
  CHECK(pairs[0].value > 0.85);
  CHECK((pairs[1].value < 0.1 && pairs[2].value < 0.1));
  CHECK(by_name(fanova(evidence)).at("u").value < 0.05);
}

TEST_CASE("effects that add up have no interaction", "[importance]") {
  const auto space = Space::make({dimension("u", Dimension::Kind::uniform), dimension("v", Dimension::Kind::uniform)});
  Made made;
  for (int t = 0; t < 800; ++t) {
    made.params.push_back({{"u", weyl(t, 2)}, {"v", weyl(t, 3)}});
    made.outcomes.push_back(weyl(t, 2) + 2 * weyl(t, 3));
  }
  const std::size_t both[] = {0, 1};
  CHECK(interactions(made.evidence(*space), both)[0].value < 0.03);
}

TEST_CASE("a surface follows the outcome and is unsure where trees disagree", "[importance]") {
  const auto space = Space::make({dimension("u", Dimension::Kind::uniform), choice("c")});
  Made made;
  for (int t = 0; t < 600; ++t) {
    const auto c = static_cast<std::size_t>(weyl(t, 7) * 4);
    made.params.push_back({{"u", weyl(t, 2)}, {"c", std::string(1, static_cast<char>('a' + c))}});
    // Noise for u above a half.
    made.outcomes.push_back(10 * weyl(t, 2) + static_cast<double>(c) + (weyl(t, 2) > 0.5 ? 4 * (weyl(t, 13) - 0.5) : 0));
  }
  const double us[] = {0.1, 0.3, 0.7, 0.9}, cs[] = {0, 3};
  const auto seen = surface(made.evidence(*space), 0, us, 1, cs);
  REQUIRE(seen.mean.size() == 8);
  for (std::size_t i = 0; i < 4; ++i)
    for (std::size_t j = 0; j < 2; ++j) CHECK(seen.mean[i * 2 + j] == Approx(10 * us[i] + cs[j]).margin(1.5));
  CHECK(seen.spread[2] < seen.spread[6]);
  CHECK(surface(mixed(1, true).evidence(mixed_space()), 0, us, 1, us).mean.empty());
}

TEST_CASE("fANOVA leaves a parent what is the parent's, and gives a conditional parameter its own", "[importance]") {
  const auto space = mixed_space();
  Made parent, child;
  for (int t = 0; t < 600; ++t) {
    const auto c = static_cast<std::size_t>(weyl(t, 5) * 4);
    Params p{{"x", weyl(t, 2)}, {"z", std::int64_t{1}}, {"c", std::string(1, static_cast<char>('a' + c))}, {"lr", 0.1}};
    if (c == 0) p.set("k", weyl(t, 11));
    parent.params.push_back(p), child.params.push_back(p);
    parent.outcomes.push_back(c == 0 ? 1 : 0);
    child.outcomes.push_back(c == 0 ? weyl(t, 11) - 0.5 : 0);
  }
  const auto of_parent = by_name(fanova(parent.evidence(space))), of_child = by_name(fanova(child.evidence(space)));
  CHECK(of_parent.at("c").value > 0.95);
  CHECK(of_parent.at("k").value < 0.01);
  CHECK(of_child.at("k").value > 0.2);  // A quarter of the variance: it acts in a quarter of the space.
  CHECK(of_child.at("c").value < 0.05);
}

TEST_CASE("a failed trial is worse than all others to PED-ANOVA and not there for fANOVA", "[importance]") {
  const auto space = mixed_space();
  auto made = mixed(200, false);
  for (std::size_t t = 0; t < made.outcomes.size(); ++t)
    if (weyl(static_cast<int>(t), 2) > 0.7) made.outcomes[t] = INFINITY;
  const auto with = by_name(ped_anova(made.evidence(space)));
  CHECK(with.at("x").value > 0.001);
  for (const auto& i : fanova(made.evidence(space))) CHECK(std::isfinite(i.value));
}

TEST_CASE("importance of next to nothing is zero, not trouble", "[importance]") {
  const auto space = mixed_space();
  for (const int n : {0, 1, 2}) {
    const auto evidence = mixed(n, true).evidence(space);
    CHECK(ped_anova(evidence, {.resamples = 5}).size() == 5);
    for (const auto& i : fanova(evidence)) CHECK(std::isfinite(i.value));
  }
  auto flat = mixed(50, true);
  for (auto& y : flat.outcomes) y = 1;
  for (const auto& i : fanova(flat.evidence(space))) CHECK(i.value == 0);
  for (const auto& i : ped_anova(flat.evidence(space))) CHECK(i.value == Approx(0).margin(1e-9));
}

TEST_CASE("a trial of before the space was narrowed is left out", "[importance]") {
  auto made = mixed(20, false);
  made.params[3].set("x", 1.5);
  const auto evidence = made.evidence(mixed_space());
  CHECK(evidence.outcomes.size() == 19);
  for (const auto& f : evidence.factors) CHECK(f.at.size() == 19);
}

TEST_CASE("the same trials and stream give the same importance; bootstrap gives a spread", "[importance]") {
  const auto evidence = mixed(300, true).evidence(mixed_space());
  CHECK(fanova(evidence, {}, Rng(1, 1))[0].value == fanova(evidence, {}, Rng(1, 1))[0].value);
  const auto all = by_name(ped_anova(evidence, {.resamples = 50}, Rng(1, 1)));
  for (const auto& [name, i] : all) CHECK(i.spread > 0);
  CHECK(all.at("x").value == by_name(ped_anova(evidence)).at("x").value);
}

TEST_CASE("shares sum to one and their spread stays below it", "[importance]") {
  const auto evidence = mixed(40, true).evidence(mixed_space());
  double sum = 0;
  for (const auto& i : ped_anova(evidence, {.resamples = 50, .shares = true}, Rng(1, 1))) {
    sum += i.value;
    CHECK(i.spread < 1);
  }
  CHECK(sum == Approx(1));
}
