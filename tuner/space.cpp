// SPDX-License-Identifier: Apache-2.0
#include "tuner/space.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <set>

#include "tuner/expression.hpp"
#include "tuner/json.hpp"
#include "tuner/nearest.hpp"

namespace tune {
namespace {

using Kind = Dimension::Kind;

Error invalid(std::string message, std::string hint = "") {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

std::string quoted(std::string_view name) { return "`" + printable(name) + "`"; }

bool holds_list(Kind k) { return k == Kind::choice || k == Kind::ordinal || k == Kind::grid; }

// What is wrong with the prior of a dimension that is otherwise sound; empty if nothing is.
std::string prior_fault(const Dimension& d) {
  const auto& prior = *d.prior;
  if (d.kind == Kind::constant) return "a constant has no prior";
  const std::size_t values = d.kind == Kind::boolean ? 2 : d.values.size();
  if (holds_list(d.kind) || d.kind == Kind::boolean) {
    if (prior.weights.size() != values) return "there must be one weight of the prior for each value";
    double sum = 0;
    for (const double w : prior.weights) sum += w >= 0 ? w : NAN;
    return sum > 0 && std::isfinite(sum) ? "" : "weights of the prior are not negative and not all zero";
  }
  if (!prior.weights.empty()) return "a numeric parameter's prior has `at` and `width`";
  if (!(prior.at >= d.min && prior.at <= d.max) || std::isinf(prior.at)) return "`at` of the prior is outside the range";
  return prior.width > 0 && prior.width <= Dimension::Prior::kWidest ? "" : "`width` of the prior must be above 0 and at most 10";
}

// What is wrong with a dimension by itself; empty if nothing is.
std::string fault(const Dimension& d) {
  if (d.name.empty()) return "a parameter needs a name";
  if (d.prior)
    if (auto what = prior_fault(d); !what.empty()) return what;
  if (d.kind == Kind::boolean) return "";
  if (d.kind == Kind::constant) return d.values.size() == 1 ? "" : "a constant has exactly one value";
  if (holds_list(d.kind)) {
    if (d.values.empty()) return "`values` is empty";
    if (d.weights.empty()) return "";
    if (d.weights.size() != d.values.size()) return "there must be one weight for each value";
    const auto bad = [](double w) { return !(w >= 0) || std::isinf(w); };
    double sum = 0;
    for (const double w : d.weights) sum += w;
    if (std::any_of(d.weights.begin(), d.weights.end(), bad) || !(sum > 0))
      return "weights are not negative and not all zero";
    return "";
  }
  if (!(d.min <= d.max)) return "`max` must not be less than `min`";
  if (!(d.step >= 0) || std::isinf(d.step)) return "`step` must be positive";
  if (d.kind == Kind::normal || d.kind == Kind::lognormal)
    return std::isfinite(d.mu) && std::isfinite(d.sigma) && d.sigma > 0 ? ""
                                                                        : "`sigma` must be positive and `mu` finite";
  if (std::isinf(d.min) || std::isinf(d.max)) return "`min` and `max` must be finite";
  if ((d.kind == Kind::loguniform || d.kind == Kind::logint) && !(d.min > 0))
    return "`min` must be positive on a log scale";
  constexpr double exact = 0x1.0p53;
  if ((d.kind == Kind::integer || d.kind == Kind::logint) &&
      (std::fabs(d.min) > exact || std::fabs(d.max) > exact || d.min != std::floor(d.min) ||
       d.max != std::floor(d.max) || d.step != std::floor(d.step)))
    return "bounds of an integer are whole numbers of at most 2^53";
  return "";
}

// The value as the dimension would write it, for comparing: 3 becomes 3.0 where the values are doubles.
Value as_value_of(const Dimension& d, const Value& given) {
  const auto u = d.position(given);
  if (!u) return given;
  const auto* i = std::get_if<std::int64_t>(&given);
  const auto* x = std::get_if<double>(&given);
  if (d.kind == Kind::constant) return d.values.front();
  if (holds_list(d.kind)) {
    for (const auto& v : d.values)
      if (v == given || (i && v == Value{static_cast<double>(*i)})) return v;
    return given;
  }
  if (d.kind == Kind::integer || d.kind == Kind::logint || d.kind == Kind::boolean) return given;
  // 0.15000000000000002 is level 3 of step 0.05: say it as at() would.
  if (d.step > 0) return d.at(*u);
  return i ? static_cast<double>(*i) : *x;
}

// Parents before children, otherwise as written. nullopt on a cycle.
std::optional<std::vector<std::size_t>> order(const std::vector<Dimension>& all) {
  const auto index = [&](const std::string& name) {
    return static_cast<std::size_t>(
        std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == name; }) - all.begin());
  };
  std::vector<std::vector<std::size_t>> children(all.size());
  std::vector<std::size_t> waiting(all.size());
  std::set<std::size_t> ready;
  for (std::size_t i = 0; i < all.size(); ++i) {
    for (const auto& test : all[i].when) children[index(test.parent)].push_back(i), ++waiting[i];
    if (all[i].when.empty()) ready.insert(i);
  }
  std::vector<std::size_t> out;
  while (!ready.empty()) {
    const std::size_t i = *ready.begin();
    ready.erase(ready.begin());
    out.push_back(i);
    for (const std::size_t child : children[i])
      if (--waiting[child] == 0) ready.insert(child);
  }
  return out.size() == all.size() ? std::optional{out} : std::nullopt;
}

bool passes(const Test& test, const Value& value) {
  const auto listed = [&] { return std::find(test.values.begin(), test.values.end(), value) != test.values.end(); };
  const auto number = to_number(value);
  switch (test.op) {
    case Test::Op::in:
      return listed();
    case Test::Op::not_in:
      return !listed();
    case Test::Op::gt:
      return number && *number > test.bound;
    case Test::Op::ge:
      return number && *number >= test.bound;
    case Test::Op::lt:
      return number && *number < test.bound;
    case Test::Op::le:
      return number && *number <= test.bound;
  }
  return false;
}

}  // namespace

Result<Space> Space::make(std::vector<Dimension> dimensions, std::vector<std::string> constraints) {
  std::vector<std::string> names;
  for (const auto& d : dimensions) names.push_back(d.name);
  std::sort(names.begin(), names.end());
  if (const auto twice = std::adjacent_find(names.begin(), names.end()); twice != names.end())
    return invalid("two parameters are called " + quoted(*twice));
  const auto known = [&](const std::string& name) { return std::binary_search(names.begin(), names.end(), name); };

  for (const auto& d : dimensions) {
    if (const auto what = fault(d); !what.empty()) return invalid("parameter " + quoted(d.name) + ": " + what);
    for (const auto& test : d.when)
      if (!known(test.parent))
        return invalid("parameter " + quoted(d.name) + ": its condition names " + quoted(test.parent) +
                       ", which is no parameter");
  }
  const auto sequence = order(dimensions);
  if (!sequence) return invalid("the conditions of the parameters form a circle");

  Space out;
  for (const std::size_t i : *sequence) out.dimensions_.push_back(std::move(dimensions[i]));
  for (auto& d : out.dimensions_)
    for (auto& test : d.when)
      for (auto& value : test.values) value = as_value_of(*out.find(test.parent), value);

  for (auto& text : constraints) {
    auto expression = Expression::parse(text);
    if (!expression) return invalid("constraint `" + printable(text) + "`: " + expression.error().message);
    for (const auto& name : expression->names())
      if (!known(name)) return invalid("constraint `" + printable(text) + "`: " + quoted(name) + " is no parameter");
    out.constraints_.push_back(std::make_shared<const Expression>(std::move(*expression)));
    out.constraint_texts_.push_back(std::move(text));
  }
  return out;
}

const Dimension* Space::find(std::string_view name) const {
  const auto found =
      std::find_if(dimensions_.begin(), dimensions_.end(), [&](const auto& d) { return d.name == name; });
  return found == dimensions_.end() ? nullptr : &*found;
}

bool Space::is_active(const Dimension& dimension, const Params& params) const {
  return std::all_of(dimension.when.begin(), dimension.when.end(), [&](const Test& test) {
    const Value* parent = params.find(test.parent);
    return parent && passes(test, *parent);
  });
}

Params Space::decode(std::span<const double> unit) const {
  TUNE_ASSERT(unit.size() == dimensions_.size());
  Params out;
  out.reserve(dimensions_.size());
  for (std::size_t i = 0; i < dimensions_.size(); ++i)
    if (is_active(dimensions_[i], out)) out.set(dimensions_[i].name, dimensions_[i].at(unit[i]));
  return out;
}

std::optional<std::vector<double>> Space::encode(const Params& params) const {
  std::vector<double> out(dimensions_.size(), 0.5);
  for (std::size_t i = 0; i < dimensions_.size(); ++i) {
    const Value* value = params.find(dimensions_[i].name);
    if (!value) continue;
    const auto u = dimensions_[i].position(*value);
    if (!u) return std::nullopt;
    out[i] = *u;
  }
  return out;
}

bool Space::satisfies(const Params& params) const {
  return std::all_of(constraints_.begin(), constraints_.end(),
                     [&](const auto& c) { return c->evaluate(params).value_or(true); });
}

Result<Params> Space::complete(Params given) const {
  for (const auto& [name, value] : given) {
    if (find(name)) continue;
    std::vector<std::string> names;
    for (const auto& d : dimensions_) names.push_back(d.name);
    const auto near = nearest(name, names);
    return invalid(quoted(name) + " is no parameter", near.empty() ? "" : "did you mean " + quoted(near) + "?");
  }

  Params out;
  std::string missing;
  for (const auto& d : dimensions_) {
    const Value* value = given.find(d.name);
    if (!is_active(d, out)) {
      if (value) return invalid(quoted(d.name) + " is not active here: its condition does not hold", "leave it out");
      continue;
    }
    if (value && !d.position(*value))
      return invalid(quoted(d.name) + " cannot be " + printable(to_text(*value)), "its values are those of the space");
    if (value)
      out.set(d.name, as_value_of(d, *value));
    else if (d.kind == Kind::constant)
      out.set(d.name, d.values.front());
    else
      missing += (missing.empty() ? "" : ", ") + quoted(d.name);
  }
  if (!missing.empty())
    return invalid("no value is given for " + missing, "a point has a value for every active parameter");
  for (std::size_t i = 0; i < constraints_.size(); ++i)
    if (!constraints_[i]->evaluate(out).value_or(true))
      return invalid("the constraint `" + printable(constraint_texts_[i]) + "` does not hold");
  return out;
}

namespace {

// Counts parameter sets. Parameters that no condition mentions only multiply; the others are gone through value by
// value, with a budget, because the sets behind each value differ.
struct Counter {
  const Space& space;
  std::vector<bool> is_parent;
  std::int64_t budget = 200'000;

  explicit Counter(const Space& s) : space(s), is_parent(s.size()) {
    for (std::size_t i = 0; i < s.size(); ++i)
      for (const auto& d : s.dimensions())
        for (const auto& test : d.when) is_parent[i] = is_parent[i] || test.parent == s.dimensions()[i].name;
  }

  std::optional<std::uint64_t> count(const std::vector<std::size_t>& group, std::size_t at, const Params& params) {
    constexpr std::uint64_t limit = 1ull << 62;
    std::uint64_t factor = 1;
    for (; at < group.size(); ++at) {
      const auto& d = space.dimensions()[group[at]];
      if (--budget < 0) return std::nullopt;
      if (!space.is_active(d, params)) continue;
      const auto n = d.cardinality();
      if (!n) return std::nullopt;
      if (is_parent[group[at]]) {
        std::uint64_t sum = 0;
        for (std::uint64_t k = 0; k < *n; ++k) {
          Params with = params;
          with.set(d.name, nth(d, k, *n));
          const auto behind = count(group, at + 1, with);
          if (!behind || *behind > limit - sum) return std::nullopt;
          sum += *behind;
        }
        return multiply(factor, sum, limit);
      }
      const auto product = multiply(factor, *n, limit);
      if (!product) return std::nullopt;
      factor = *product;
    }
    return factor;
  }

  static std::optional<std::uint64_t> multiply(std::uint64_t a, std::uint64_t b, std::uint64_t limit) {
    return b != 0 && a > limit / b ? std::nullopt : std::optional{a * b};
  }
  static Value nth(const Dimension& d, std::uint64_t k, std::uint64_t n) {
    if (holds_list(d.kind)) {
      for (std::size_t i = 0; i < d.values.size(); ++i)
        if ((d.weights.empty() || d.weights[i] > 0) && k-- == 0) return d.values[i];
    }
    auto plain = d;  // Levels by number, whatever their shares.
    if (d.kind == Kind::logint) plain.kind = Kind::integer;
    if (d.kind != Kind::logint && d.kind != Kind::integer && d.kind != Kind::boolean) plain.kind = Kind::uniform;
    return plain.at((static_cast<double>(k) + 0.5) / static_cast<double>(n));
  }
};

}  // namespace

std::optional<std::uint64_t> Space::cardinality() const {
  // Parameters that conditions tie together are counted together; independent groups multiply.
  std::vector<std::size_t> group(dimensions_.size());
  for (std::size_t i = 0; i < group.size(); ++i) {
    group[i] = i;
    for (const auto& test : dimensions_[i].when) {
      const auto parent = group[static_cast<std::size_t>(find(test.parent) - dimensions_.data())];
      for (std::size_t j = 0, mine = group[i]; j <= i; ++j)
        if (group[j] == mine) group[j] = parent;
    }
  }
  Counter counter{*this};
  std::uint64_t total = 1;
  for (std::size_t g = 0; g < group.size(); ++g) {
    std::vector<std::size_t> members;
    for (std::size_t i = 0; i < group.size(); ++i)
      if (group[i] == g) members.push_back(i);
    if (members.empty()) continue;
    const auto n = counter.count(members, 0, {});
    const auto product = n ? Counter::multiply(total, *n, 1ull << 62) : std::nullopt;
    if (!product) return std::nullopt;
    total = *product;
  }
  return total;
}

namespace {

// FNV-1a, 64 bit: stable over platforms and versions, good enough for names and sets.
struct Fnv {
  std::uint64_t state = 0xcbf29ce484222325ull;
  void byte(unsigned char c) { state = (state ^ c) * 0x100000001b3ull; }
  void text(std::string_view s) {
    number(s.size());
    for (const char c : s) byte(static_cast<unsigned char>(c));
  }
  void number(std::uint64_t n) {
    for (int i = 0; i < 8; ++i) byte(static_cast<unsigned char>(n >> (8 * i)));
  }
  void value(const Value& v) {
    byte(static_cast<unsigned char>(v.index()));
    std::visit(overloaded{[&](bool b) { byte(b); }, [&](std::int64_t i) { number(static_cast<std::uint64_t>(i)); },
                          [&](double d) { number(std::bit_cast<std::uint64_t>(d == 0 ? 0.0 : d)); },
                          [&](const std::string& s) { text(s); }},
               v);
  }
};

// What a value of the dimension is, for someone who reads old trials: bounds and scales may change, this may not.
std::string_view meaning(const Dimension& d) {
  switch (d.kind) {
    case Kind::integer:
    case Kind::logint:
      return "integer";
    case Kind::boolean:
      return "boolean";
    case Kind::choice:
    case Kind::ordinal:
    case Kind::grid:
      return "listed";
    case Kind::constant:
      return "constant";
    default:
      return "real";
  }
}

}  // namespace

std::string Space::hash() const {
  auto sorted = dimensions_;
  std::sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  Fnv fnv;
  for (const auto& d : sorted) {
    fnv.text(d.name);
    fnv.text(meaning(d));
    if (d.kind == Kind::constant) fnv.value(d.values.front());
    for (const auto& test : d.when) {
      fnv.text(test.parent);
      fnv.byte(static_cast<unsigned char>(test.op));
      for (const auto& v : test.values) fnv.value(v);
      fnv.value(test.bound);
    }
  }
  char text[17];
  std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(fnv.state));
  return text;
}

std::uint64_t fingerprint(const Params& params) {
  Fnv fnv;
  for (const auto& [name, value] : params) fnv.text(name), fnv.value(value);
  return fnv.state;
}

}  // namespace tune
