// SPDX-License-Identifier: Apache-2.0
#include "tuner/space.hpp"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <map>

#include "tuner/rng.hpp"

using namespace tune;
using Kind = Dimension::Kind;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr double kAlmostOne = 1 - 0x1.0p-53;

Dimension real(std::string name, Kind kind, double min, double max, double step = 0) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max, d.step = step;
  return d;
}

Dimension normal(std::string name, Kind kind, double mu, double sigma, double min = -kInfinity, double max = kInfinity,
                 double step = 0) {
  auto d = real(std::move(name), kind, min, max, step);
  d.mu = mu, d.sigma = sigma;
  return d;
}

Dimension listed(std::string name, Kind kind, std::vector<Value> values, std::vector<double> weights = {}) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.values = std::move(values), d.weights = std::move(weights);
  return d;
}

Dimension under(Dimension d, std::string parent, std::vector<Value> values) {
  d.when.push_back({std::move(parent), Test::Op::in, std::move(values), 0});
  return d;
}

Value text(const char* s) { return std::string{s}; }
Value whole(std::int64_t i) { return i; }

Dimension random_dimension(Rng& rng, std::string name) {
  const double low = std::round(rng.uniform() * 200 - 100) / 8, width = std::round(rng.uniform() * 1000 + 1) / 8;
  const double step = rng.below(2) ? (std::round(rng.uniform() * 20) + 1) / 40 : 0;
  switch (rng.below(9)) {
    case 0:
      return real(name, Kind::uniform, low, low + width, std::min(step, width));
    case 1:
      return real(name, Kind::loguniform, std::fabs(low) + 1e-4, std::fabs(low) + width, std::min(step, width / 2));
    case 2:
      return real(name, Kind::integer, std::floor(low), std::floor(low) + std::ceil(width),
                  step > 0 ? std::ceil(step * 4) : 0);
    case 3:
      return real(name, Kind::logint, 1 + std::floor(std::fabs(low)),
                  1 + std::floor(std::fabs(low)) + std::ceil(width * 1000));
    case 4:
      return normal(name, Kind::normal, low, width, low - width, low + 3 * width, step);
    case 5:
      return normal(name, Kind::lognormal, low / 10, 0.5, -kInfinity, kInfinity, 0);
    case 6:
      return listed(name, Kind::choice, {text("a"), text("b"), whole(3), 0.5}, {0.5, 0.25, 0.125, 0.125});
    case 7:
      return listed(name, Kind::ordinal, {1.0, 2.0, 8.0});
    default:
      return listed(name, Kind::boolean, {});
  }
}

}  // namespace

TEST_CASE("a value found on the unit interval is found again from its position", "[space][property]") {
  Rng rng{7, 1};
  for (int i = 0; i < 3000; ++i) {
    const auto d = random_dimension(rng, "x");
    const double us[] = {0.0, kAlmostOne, rng.uniform(), rng.uniform(), rng.uniform()};
    for (const double u : us) {
      const Value v = d.at(u);
      INFO("kind " << int(d.kind) << " min " << d.min << " max " << d.max << " step " << d.step << " u " << u
                   << " value " << to_text(v));
      const auto back = d.position(v);
      REQUIRE(back);
      CHECK((*back >= 0 && *back < 1));
      const bool continuous = std::holds_alternative<double>(v) && d.step == 0 && d.values.empty();
      if (continuous)
        CHECK(std::get<double>(d.at(*back)) == Approx(std::get<double>(v)).epsilon(1e-9).margin(1e-9));
      else
        CHECK(d.at(*back) == v);
      if (d.kind < Kind::choice) CHECK((*to_number(v) >= d.min && *to_number(v) <= d.max));
    }
  }
}

TEST_CASE("numeric kinds are monotone", "[space][property]") {
  Rng rng{7, 2};
  for (int i = 0; i < 300; ++i) {
    const auto d = random_dimension(rng, "x");
    if (d.kind >= Kind::choice) continue;
    double last = -kInfinity;
    for (int k = 0; k <= 100; ++k) {
      const double x = *to_number(d.at(k / 100.0));
      CHECK(x >= last);
      last = x;
    }
  }
}

TEST_CASE("a step gives values as people write them", "[space]") {
  const auto d = real("dropout", Kind::uniform, 0, 0.6, 0.05);
  CHECK(d.cardinality() == 13);
  CHECK(to_text(d.at(3.5 / 13)) == "0.15");
  CHECK(to_text(d.at(kAlmostOne)) == "0.6");
  CHECK(d.position(0.1 + 0.2));
  CHECK_FALSE(d.position(0.31));
}

TEST_CASE("a step that does not divide the range stays below max", "[space]") {
  const auto d = real("x", Kind::uniform, 0, 1, 0.3);
  CHECK(d.cardinality() == 4);
  CHECK(d.at(kAlmostOne) == Value{0.9});
}

TEST_CASE("integers have equal shares, both ends included", "[space]") {
  const auto d = real("n", Kind::integer, -2, 2);
  for (int k = 0; k < 5; ++k) CHECK(d.at(k / 5.0) == whole(k - 2));
  CHECK(d.at(kAlmostOne) == whole(2));
  CHECK_FALSE(d.position(Value{1.0}));
  CHECK_FALSE(d.position(whole(3)));
}

TEST_CASE("each integer of a logint has its share of the log scale", "[space]") {
  const auto d = real("n", Kind::logint, 1, 4);
  std::map<std::int64_t, int> seen;
  for (int i = 0; i < 9000; ++i) ++seen[std::get<std::int64_t>(d.at((i + 0.5) / 9000))];
  // From 0.5 to 4.5 the scale has length log 9; 1 owns log 3 of it.
  CHECK(seen[1] == Approx(4500).margin(2));
  CHECK(seen[2] == Approx(9000 * std::log(5.0 / 3) / std::log(9.0)).margin(2));
  CHECK(seen[4] == Approx(9000 * std::log(9.0 / 7) / std::log(9.0)).margin(2));
}

TEST_CASE("a normal is finite at the ends of the unit interval", "[space]") {
  const auto d = normal("x", Kind::normal, 0, 1);
  CHECK(std::get<double>(d.at(0)) == Approx(-8.2).margin(0.2));
  CHECK(std::get<double>(d.at(kAlmostOne)) == Approx(8.2).margin(0.2));
  CHECK(std::get<double>(d.at(0.5)) == Approx(0).margin(1e-12));
}

TEST_CASE("a normal cut far out in a tail keeps its shape", "[space]") {
  for (const double sign : {1.0, -1.0}) {
    const auto d = sign > 0 ? normal("x", Kind::normal, 0, 1, 10, 12) : normal("x", Kind::normal, 0, 1, -12, -10);
    CHECK(std::fabs(std::get<double>(d.at(sign > 0 ? 0.5 : 0.5))) == Approx(10.0687).margin(1e-3));
    CHECK(*d.position(Value{sign * 10.5}) == Approx(sign > 0 ? 0.99436 : 1 - 0.99436).margin(1e-3));
  }
}

TEST_CASE("an uncut normal with a step gives multiples of the step", "[space]") {
  const auto d = normal("x", Kind::normal, 0.3, 1, -kInfinity, kInfinity, 0.25);
  CHECK(d.at(0.5) == Value{0.25});
  CHECK(d.cardinality() == std::nullopt);
}

TEST_CASE("weights are shares and a weight of zero is never drawn", "[space]") {
  const auto d = listed("c", Kind::choice, {text("a"), text("b"), text("c")}, {3, 0, 1});
  CHECK(d.at(0.74) == text("a"));
  CHECK(d.at(0.76) == text("c"));
  CHECK(d.at(kAlmostOne) == text("c"));
  CHECK(d.cardinality() == 2);
  CHECK_FALSE(d.position(text("b")));
}

TEST_CASE("conditions decide what is active, whatever order parents are given in", "[space]") {
  auto space = Space::make({under(real("momentum", Kind::uniform, 0, 1), "optimizer", {text("sgd")}),
                            listed("optimizer", Kind::choice, {text("sgd"), text("adam")})});
  REQUIRE(space);
  CHECK(space->dimensions()[0].name == "optimizer");
  const double sgd[] = {0.1, 0.5}, adam[] = {0.9, 0.5};
  CHECK(space->decode(sgd) == Params{{"momentum", 0.5}, {"optimizer", text("sgd")}});
  CHECK(space->decode(adam) == Params{{"optimizer", text("adam")}});
  CHECK(space->encode({{"optimizer", text("adam")}}) == std::vector<double>{0.75, 0.5});
  CHECK(space->encode({{"optimizer", text("rmsprop")}}) == std::nullopt);
}

TEST_CASE("a child of an inactive parent is inactive", "[space]") {
  auto space = Space::make({listed("a", Kind::boolean, {}), under(listed("b", Kind::boolean, {}), "a", {true}),
                            under(listed("c", Kind::boolean, {}), "b", {false})});
  const double u[] = {0.1, 0.1, 0.9};
  CHECK(space->decode(u) == Params{{"a", false}});
  CHECK(space->cardinality() == 4);  // a=false; a, b=true; a, b=false, c.
}

TEST_CASE("bounds in conditions compare numbers", "[space]") {
  auto deep = real("width", Kind::integer, 1, 2);
  deep.when = {{"layers", Test::Op::ge, {}, 3}, {"layers", Test::Op::not_in, {whole(4)}, 0}};
  auto space = Space::make({real("layers", Kind::integer, 1, 5), deep});
  CHECK_FALSE(space->is_active(space->dimensions()[1], {{"layers", whole(2)}}));
  CHECK(space->is_active(space->dimensions()[1], {{"layers", whole(3)}}));
  CHECK_FALSE(space->is_active(space->dimensions()[1], {{"layers", whole(4)}}));
  CHECK(space->cardinality() == 1 + 1 + 2 + 1 + 2);
}

TEST_CASE("a space that makes no sense is refused with the parameter's name", "[space]") {
  const auto message = [](std::vector<Dimension> d, std::vector<std::string> c = {}) {
    const auto s = Space::make(std::move(d), std::move(c));
    return s ? std::string{} : s.error().message;
  };
  CHECK(message({under(real("x", Kind::uniform, 0, 1), "y", {true})}).find("`y`, which is no parameter") !=
        std::string::npos);
  CHECK(
      message({under(listed("a", Kind::boolean, {}), "b", {true}), under(listed("b", Kind::boolean, {}), "a", {true})})
          .find("circle") != std::string::npos);
  CHECK(message({real("x", Kind::uniform, 1, 0)}).find("`x`") != std::string::npos);
  CHECK(message({real("x", Kind::loguniform, 0, 1)}).find("positive") != std::string::npos);
  CHECK(message({real("x", Kind::uniform, 0, NAN)}).find("`x`") != std::string::npos);
  CHECK(message({listed("x", Kind::choice, {})}).find("empty") != std::string::npos);
  CHECK(message({real("x", Kind::uniform, 0, 1), real("x", Kind::uniform, 0, 1)}).find("two parameters") !=
        std::string::npos);
  CHECK(message({real("x", Kind::uniform, 0, 1)}, {"x <"}).find("constraint") != std::string::npos);
  CHECK(message({real("x", Kind::uniform, 0, 1)}, {"y < 1"}).find("`y` is no parameter") != std::string::npos);
}

TEST_CASE("a person's point is completed, converted and checked", "[space]") {
  auto space = Space::make({real("lr", Kind::uniform, 0, 5), listed("epochs", Kind::constant, {whole(81)}),
                            listed("opt", Kind::choice, {text("sgd"), text("adam")}),
                            under(real("momentum", Kind::uniform, 0, 1), "opt", {text("sgd")})},
                           {"lr * 2 < 8"});
  REQUIRE(space);
  CHECK(*space->complete({{"lr", whole(1)}, {"opt", text("adam")}}) ==
        Params{{"epochs", whole(81)}, {"lr", 1.0}, {"opt", text("adam")}});
  const auto message = [&](Params p) {
    const auto r = space->complete(std::move(p));
    return r ? std::string{} : r.error().message + "|" + r.error().hint;
  };
  CHECK(message({{"lr", 1.0}, {"optt", text("adam")}}) == "`optt` is no parameter|did you mean `opt`?");
  CHECK(message({{"lr", 1.0}, {"opt", text("adam")}, {"momentum", 0.5}}).find("not active") != std::string::npos);
  CHECK(message({{"opt", text("sgd")}}).find("`lr`, `momentum`") != std::string::npos);
  CHECK(message({{"lr", 4.5}, {"opt", text("adam")}}).find("does not hold") != std::string::npos);
  CHECK(message({{"lr", 7.0}, {"opt", text("adam")}}).find("cannot be 7") != std::string::npos);
  CHECK(message({{"lr", 1.0}, {"opt", text("adam")}, {"epochs", whole(3)}}).find("`epochs`") != std::string::npos);
}

TEST_CASE("a constraint about an inactive parameter is not judged", "[space]") {
  auto space =
      Space::make({listed("a", Kind::boolean, {}), under(real("x", Kind::uniform, 0, 1), "a", {true})}, {"x > 2"});
  CHECK(space->satisfies({{"a", false}}));
  CHECK_FALSE(space->satisfies({{"a", true}, {"x", 0.5}}));
}

TEST_CASE("cardinality counts grids and gives up on the continuous and the huge", "[space]") {
  CHECK(Space::make({})->cardinality() == 1);
  CHECK(Space::make({real("n", Kind::integer, 1, 10), listed("b", Kind::boolean, {})})->cardinality() == 20);
  CHECK(Space::make({real("x", Kind::uniform, 0, 1)})->cardinality() == std::nullopt);
  std::vector<Dimension> many;
  for (int i = 0; i < 63; ++i) many.push_back(listed("b" + std::to_string(i), Kind::boolean, {}));
  CHECK(Space::make(many)->cardinality() == std::nullopt);
  many.pop_back();
  CHECK(Space::make(many)->cardinality() == 1ull << 62);
}

TEST_CASE("random conditional spaces decode and encode again", "[space][property]") {
  Rng rng{7, 3};
  for (int i = 0; i < 300; ++i) {
    std::vector<Dimension> dims{listed("gate", Kind::choice, {text("p"), text("q")})};
    for (int k = 0; k < 6; ++k) {
      auto d = random_dimension(rng, "x" + std::to_string(k));
      if (rng.below(2)) d.when.push_back({"gate", Test::Op::in, {text(rng.below(2) ? "p" : "q")}, 0});
      dims.push_back(d);
    }
    const auto space = Space::make(dims);
    REQUIRE(space);
    std::vector<double> u;
    for (std::size_t k = 0; k < space->size(); ++k) u.push_back(rng.uniform());
    const Params params = space->decode(u);
    const auto back = space->encode(params);
    REQUIRE(back);
    const Params again = space->decode(*back);
    REQUIRE(again.size() == params.size());
    CHECK(space->encode(again));
    CHECK(space->complete(params));
  }
}

TEST_CASE("the hash changes with the meaning of old trials and with nothing else", "[space]") {
  const auto hash = [](std::vector<Dimension> d) { return Space::make(std::move(d))->hash(); };
  const auto lr = real("lr", Kind::uniform, 0, 1);
  const auto base = hash({lr});
  CHECK(base.size() == 16);
  CHECK(hash({real("lr", Kind::loguniform, 0.1, 9)}) == base);
  CHECK(hash({real("lr", Kind::integer, 0, 1)}) != base);
  CHECK(hash({real("rate", Kind::uniform, 0, 1)}) != base);
  CHECK(hash({lr, listed("on", Kind::boolean, {})}) == hash({listed("on", Kind::boolean, {}), lr}));
  CHECK(hash({under(lr, "on", {true}), listed("on", Kind::boolean, {})}) !=
        hash({lr, listed("on", Kind::boolean, {})}));
  CHECK(hash({listed("e", Kind::constant, {whole(1)})}) != hash({listed("e", Kind::constant, {whole(2)})}));
}

TEST_CASE("the fingerprint tells parameter sets apart by name, type and value", "[space]") {
  const auto f = [](Params p) { return fingerprint(p); };
  CHECK(f({{"a", whole(1)}}) == f({{"a", whole(1)}}));
  CHECK(f({{"a", whole(1)}}) != f({{"a", 1.0}}));
  CHECK(f({{"a", whole(1)}}) != f({{"b", whole(1)}}));
  CHECK(f({{"a", 0.0}}) == f({{"a", -0.0}}));
  CHECK(f({{"a", text("bc")}}) != f({{"ab", text("c")}}));
  CHECK(f({}) != f({{"a", true}}));
}
