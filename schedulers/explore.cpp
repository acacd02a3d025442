// SPDX-License-Identifier: Apache-2.0
#include "schedulers/explore.hpp"

#include <algorithm>
#include <cmath>

namespace tune::detail {
namespace {

using Kind = Dimension::Kind;

constexpr double kLeastShare = 0.02;  // Of the range, that a linear parameter moves at least.
constexpr int kTries = 100;

bool is_whole(const Dimension& d) { return d.kind == Kind::integer || d.kind == Kind::logint; }
bool is_log(const Dimension& d) { return d.kind == Kind::loguniform || d.kind == Kind::logint || d.kind == Kind::lognormal; }

double range(const Dimension& d) {
  return std::isfinite(d.max) && std::isfinite(d.min) ? d.max - d.min : 4 * d.sigma;
}

// The value of the dimension nearest to x.
Value nearest(const Dimension& d, double x) {
  if (is_whole(d) || d.step > 0) return d.at(d.nearest_position(x));
  return std::clamp(x, d.min, d.max);
}

struct Move {
  Value to;
  std::string how;
};

Move perturb_number(const Dimension& d, const Value& from, double factor) {
  const double x = *to_number(from);
  const double least = is_log(d) ? 0 : kLeastShare * range(d);
  double by = x * (factor - 1);
  std::string how = "x " + to_text(factor);
  if (std::abs(by) < least) {
    const bool up = by != 0 ? by > 0 : factor > 1;
    by = up ? least : -least;
    how = up ? "+2 % of the range" : "-2 % of the range";
  }
  const double grain = d.step > 0 ? d.step : is_whole(d) ? 1 : 0;
  const double sign = by < 0 ? -1 : 1;
  // As far as asked, at least one step, and away from a bound that it stands at.
  for (const double step : {by, sign * grain, is_log(d) ? x / factor - x : -by, -sign * grain}) {
    Value to = nearest(d, x + step);
    if (to != from) return {std::move(to), step == by ? how : step == sign * grain ? "one step" : "back from its bound"};
  }
  return {from, ""};
}

Move perturb(const Dimension& d, const Value& from, const ExploreRule& rule, Rng& rng) {
  const double factor = rule.factors[rng.below(rule.factors.size())];
  switch (d.kind) {
    case Kind::choice:
    case Kind::boolean:
    case Kind::constant:
      return {from, ""};
    case Kind::ordinal:
    case Kind::grid: {
      const auto at = std::find(d.values.begin(), d.values.end(), from) - d.values.begin();
      const auto last = static_cast<std::ptrdiff_t>(d.values.size()) - 1;
      if (last < 1) return {from, ""};
      const bool up = at == 0 || (at < last && factor > 1);
      return {d.values[static_cast<std::size_t>(up ? at + 1 : at - 1)], "neighbour"};
    }
    default:
      return perturb_number(d, from, factor);
  }
}

Explored once(const Space& space, const Params& donor, const ExploreRule& rule, Rng& rng) {
  Explored out;
  for (const auto& d : space.dimensions()) {
    const Value* from = donor.find(d.name);
    if (!space.is_active(d, out.params)) {
      if (from) out.changes.push_back({d.name, *from, {}, "no longer active"});
      continue;
    }
    Move move{from ? *from : d.at(rng.uniform()), from ? "" : "newly active"};
    if (from && rule.changes(d))
      move = rng.uniform() < rule.resample_probability ? Move{d.at(rng.uniform()), "drawn"} : perturb(d, *from, rule, rng);
    if (!from || move.to != *from)
      out.changes.push_back({d.name, from ? std::optional{*from} : std::nullopt, move.to, std::move(move.how)});
    out.params.set(d.name, std::move(move.to));
  }
  return out;
}

}  // namespace

bool ExploreRule::changes(const Dimension& d) const {
  if (d.kind == Kind::constant) return false;
  return mutate.empty() || std::find(mutate.begin(), mutate.end(), d.name) != mutate.end();
}

Explored explore(const Space& space, const Params& donor, const ExploreRule& rule, Rng& rng) {
  for (int i = 0; i < kTries; ++i)
    if (auto out = once(space, donor, rule, rng); space.satisfies(out.params)) return out;
  return {donor, {}};
}

std::vector<Change> differences(const Space& space, const Params& from, const Params& to, const std::string& how) {
  std::vector<Change> out;
  const auto copy = [](const Value* v) { return v ? std::optional{*v} : std::nullopt; };
  for (const auto& d : space.dimensions()) {
    const Value *before = from.find(d.name), *after = to.find(d.name);
    if (copy(before) != copy(after)) out.push_back({d.name, copy(before), copy(after), how});
  }
  return out;
}

void write(JsonWriter& json, const std::vector<Change>& changes) {
  json.begin_array();
  for (const auto& c : changes) {
    json.begin_object().key("name").value(c.name);
    if (c.from) json.key("from").raw(to_json(*c.from));
    if (c.to) json.key("to").raw(to_json(*c.to));
    json.key("how").value(c.how).end_object();
  }
  json.end_array();
}

std::string sentence(const std::vector<Change>& changes) {
  constexpr std::size_t kMost = 4;
  std::string out;
  const auto text = [](const std::optional<Value>& v) { return v ? printable(to_text(*v)) : std::string{"-"}; };
  for (std::size_t i = 0; i < changes.size() && i < kMost; ++i)
    out += (i ? ", " : "") + changes[i].name + " " + text(changes[i].from) + " -> " + text(changes[i].to);
  if (changes.size() > kMost) out += ", ...";
  return out.empty() ? "the same parameters" : out;
}

}  // namespace tune::detail
