// SPDX-License-Identifier: Apache-2.0
// Problems with categories, and with parameters that are not always there.
#include <algorithm>

#include "bench/regret/synthetic_parts.hpp"

namespace tune::regret::detail {
namespace {

constexpr double kWidth = 10;  // Of every axis, in the function's own units.

std::vector<double> drawn_offsets(Rng& rng, int count) {
  std::vector<double> out(static_cast<std::size_t>(count));
  for (double& v : out) v = 3 * rng.uniform();
  const double least = *std::min_element(out.begin(), out.end());
  for (double& v : out) v -= least;
  return out;
}

double part(const Space& space, const Params& params, Function f, const std::vector<std::string>& names,
            const std::vector<double>& at) {
  std::vector<double> z;
  for (std::size_t i = 0; i < names.size(); ++i) z.push_back(kWidth * (position(space, params, names[i]) - at[i]));
  return f(z);
}

Dimension only_if(Dimension d, const std::string& parent, std::vector<Value> values) {
  Test t;
  t.parent = parent, t.values = std::move(values);
  d.when.push_back(std::move(t));
  return d;
}

Problem made(const std::string& set, const std::string& name, std::vector<Dimension> dimensions) {
  Problem p;
  p.set = set, p.name = name, p.optimum = 0, p.space = Space::make(std::move(dimensions)).value();
  return p;
}

Value letter(int i) { return std::string(1, static_cast<char>('a' + i)); }

}  // namespace

Problem mixed(const std::string& set, const Mixed& m) {
  Rng rng = stream(set, m.name);
  std::vector<Dimension> all;
  std::vector<std::string> numbers, categories;
  for (int i = 0; i < m.numbers; ++i) {
    numbers.push_back("x" + std::to_string(i));
    all.push_back(i == 1 ? number(numbers.back(), 1e-4, 1, true) : number(numbers.back(), 0, 1));
  }
  for (int i = 0; i < m.integers; ++i) {
    numbers.push_back("k" + std::to_string(i));
    all.push_back(integer(numbers.back(), 0, 7));
  }
  std::vector<std::vector<double>> offsets;
  for (int i = 0; i < m.categories; ++i) {
    const int count = 3 + static_cast<int>(rng.below(3));
    categories.push_back("c" + std::to_string(i));
    all.push_back(choice(categories.back(), count));
    offsets.push_back(drawn_offsets(rng, count));
  }
  auto at = place(rng, m.numbers + m.integers);
  for (int i = m.numbers; i < m.numbers + m.integers; ++i)  // The minimum is at a value that there is.
    at[static_cast<std::size_t>(i)] = (static_cast<double>(static_cast<int>(at[static_cast<std::size_t>(i)] * 8)) + 0.5) / 8;
  std::vector<std::vector<double>> places;  // One for each category of the first parameter.
  for (const double offset : offsets[0]) {
    places.push_back(at);
    if (offset > 0)
      for (double& u : places.back()) u += 0.3 * (rng.uniform() - 0.5);
  }
  Problem p = made(set, m.name, std::move(all));
  p.evaluate = [=, space = p.space](const Params& params) {
    const auto first = static_cast<std::size_t>(index_of(params, categories[0]));
    double value = m.scale * part(space, params, m.function, numbers, places[first]);
    for (std::size_t i = 0; i < categories.size(); ++i)
      value += offsets[i][static_cast<std::size_t>(index_of(params, categories[i]))];
    return std::optional<double>{value};
  };
  return p;
}

Problem branches(const std::string& set, const std::string& name, Function f, double scale, int kinds) {
  Rng rng = stream(set, name);
  std::vector<Dimension> all{choice("kind", kinds), number("s0", 0, 1), number("s1", 1e-4, 1, true)};
  for (int k = 0; k < kinds; ++k)
    for (int i = 0; i < 2; ++i)
      all.push_back(only_if(number("kind_" + to_text(letter(k)) + std::to_string(i), 0, 1), "kind", {letter(k)}));
  const auto offsets = drawn_offsets(rng, kinds);
  std::vector<std::vector<double>> places;
  for (int k = 0; k < kinds; ++k) places.push_back(place(rng, 4));
  Problem p = made(set, name, std::move(all));
  p.evaluate = [=, space = p.space](const Params& params) {
    const auto k = static_cast<std::size_t>(index_of(params, "kind"));
    const std::string own = "kind_" + to_text(letter(static_cast<int>(k)));
    return std::optional<double>{offsets[k] + scale * part(space, params, f, {"s0", "s1", own + "0", own + "1"}, places[k])};
  };
  return p;
}

Problem switches(const std::string& set, const std::string& name, Function f, double scale) {
  Rng rng = stream(set, name);
  Dimension on;
  on.name = "on", on.kind = Dimension::Kind::boolean;
  std::vector<Dimension> all{on, number("s0", 0, 1), number("s1", 1e-4, 1, true), integer("s2", 0, 7)};
  for (int i = 0; i < 3; ++i) all.push_back(only_if(number("extra" + std::to_string(i), 0, 1), "on", {true}));
  auto shared = place(rng, 3);
  shared[2] = 4.5 / 8;
  const auto extra = place(rng, 3);
  const double price = 0.5 + rng.uniform();  // Of leaving it off: the extra parameters pay only when they are set well.
  Problem p = made(set, name, std::move(all));
  p.evaluate = [=, space = p.space](const Params& params) {
    const double rest = std::get<bool>(*params.find("on"))
                            ? scale * part(space, params, f, {"extra0", "extra1", "extra2"}, extra)
                            : price;
    return std::optional<double>{rest + scale * part(space, params, f, {"s0", "s1", "s2"}, shared)};
  };
  return p;
}

Problem nested(const std::string& set, const std::string& name, Function f, double scale) {
  Rng rng = stream(set, name);
  std::vector<Dimension> all{choice("kind", 2), number("s0", 0, 1), number("s1", 0, 1)};
  all.push_back(only_if(choice("variant", 3), "kind", {letter(0)}));
  all.push_back(only_if(number("plain0", 0, 1), "kind", {letter(1)}));
  all.push_back(only_if(number("plain1", 0, 1), "kind", {letter(1)}));
  all.push_back(only_if(number("fine0", 1e-4, 1, true), "variant", {letter(0), letter(1)}));
  all.push_back(only_if(number("fine1", 0, 1), "variant", {letter(1)}));
  const auto offsets = drawn_offsets(rng, 4);  // Three variants, then the plain kind.
  std::vector<std::vector<double>> places;
  for (int k = 0; k < 4; ++k) places.push_back(place(rng, 4));
  Problem p = made(set, name, std::move(all));
  p.evaluate = [=, space = p.space](const Params& params) {
    const std::size_t k =
        index_of(params, "kind") == 1 ? 3 : static_cast<std::size_t>(index_of(params, "variant"));
    std::vector<std::string> names{"s0", "s1"};
    for (const char* own : {"plain0", "plain1", "fine0", "fine1"})
      if (params.contains(own)) names.emplace_back(own);
    return std::optional<double>{offsets[k] + scale * part(space, params, f, names, places[k])};
  };
  return p;
}

Problem layers(const std::string& set, const std::string& name, Function f, double scale, int most) {
  Rng rng = stream(set, name);
  std::vector<Dimension> all{integer("layers", 1, most), number("rate", 1e-5, 1, true)};
  for (int i = 1; i <= most; ++i) {
    Dimension width = number("width" + std::to_string(i), 4, 1024, true);
    Test t;
    t.parent = "layers", t.op = Test::Op::ge, t.bound = i;
    if (i > 1) width.when.push_back(std::move(t));
    all.push_back(std::move(width));
  }
  const auto at = place(rng, most + 1);
  auto offsets = drawn_offsets(rng, most);
  Problem p = made(set, name, std::move(all));
  p.evaluate = [=, space = p.space](const Params& params) {
    const auto count = static_cast<std::size_t>(std::get<std::int64_t>(*params.find("layers")));
    std::vector<std::string> names{"rate"};
    for (std::size_t i = 1; i <= count; ++i) names.push_back("width" + std::to_string(i));
    return std::optional<double>{offsets[count - 1] + scale * part(space, params, f, names, at)};
  };
  return p;
}

}  // namespace tune::regret::detail
