// SPDX-License-Identifier: Apache-2.0
#include "tuner/transfer.hpp"

#include <algorithm>
#include <cmath>
#include <optional>


namespace tune {
namespace {

using Kind = Dimension::Kind;

std::string quoted(std::string_view name) { return "`" + printable(name) + "`"; }

// The value as this dimension writes it; nullopt if it has no such value.
std::optional<Value> converted(const Dimension& d, const Value& given) {
  Value v = given;
  const auto* x = std::get_if<double>(&given);
  const bool whole = x && *x == std::floor(*x) && std::fabs(*x) <= 0x1p53;
  if (whole && (d.kind == Kind::integer || d.kind == Kind::logint)) v = static_cast<std::int64_t>(*x);
  auto u = d.position(v);
  if (!u && whole) u = d.position(v = static_cast<std::int64_t>(*x));  // A list that holds 3 and was searched as 3.0.
  if (!u) return std::nullopt;
  const bool real = d.kind == Kind::uniform || d.kind == Kind::loguniform || d.kind == Kind::normal || d.kind == Kind::lognormal;
  if (real && d.step == 0) return Value{*to_number(v)};  // As it is: a round trip over the unit would move the last digit.
  return d.at(*u);
}

// Where a trial that lacks the parameter is taken to have been.
Value stand_in(const Dimension& d) {
  if (!d.prior) return d.at(0.5);
  if (d.prior->weights.empty()) return d.at(d.nearest_position(d.prior->at));
  const auto& w = d.prior->weights;
  const auto heaviest = static_cast<std::size_t>(std::max_element(w.begin(), w.end()) - w.begin());
  if (d.kind == Kind::boolean) return heaviest == 1;
  const Value& v = d.values[heaviest];
  return d.position(v) ? v : d.at(0.5);
}

// The trial's parameters as they would be here; nullopt if they are not of this space.
std::optional<Params> translated(const Params& given, const Space& space) {
  Params out;
  for (const auto& d : space.dimensions()) {
    if (!space.is_active(d, out)) continue;
    const Value* had = given.find(d.name);
    if (d.kind == Kind::constant) {  // Said once, in `unmatched`.
      out.set(d.name, d.values.front());
      continue;
    }
    auto value = had ? converted(d, *had) : std::optional{stand_in(d)};
    if (!value) return std::nullopt;
    out.set(d.name, std::move(*value));
  }
  if (!space.satisfies(out)) return std::nullopt;
  return out;
}

// Where the objectives of `into` stand among those of `from`.
Result<std::vector<std::size_t>> places(const Spec& from, const Spec& into) {
  std::vector<std::size_t> out;
  for (const auto& o : into.objectives) {
    const auto it = std::find_if(from.objectives.begin(), from.objectives.end(), [&](const auto& f) { return f.metric == o.metric; });
    if (it == from.objectives.end())
      return Error{Error::Code::invalid, "`warm_start`: " + quoted(from.name) + " has no objective " + quoted(o.metric),
                   "its objective is " + quoted(from.objectives.front().metric) + "; only experiments that measure the same can teach"};
    out.push_back(static_cast<std::size_t>(it - from.objectives.begin()));
  }
  return out;
}

double score(const Imported::Trial& t, const Objective& o) {
  if (t.state != TrialState::complete || t.values.empty() || !std::isfinite(t.values.front())) return INFINITY;
  return o.maximize ? -t.values.front() : t.values.front();
}

// `count` of the sorted `all`, evenly spaced, the first and the last among them.
void spread(const std::vector<std::size_t>& all, std::size_t count, std::vector<std::size_t>& out) {
  count = std::min(count, all.size());
  for (std::size_t i = 0; i < count; ++i) out.push_back(all[count == 1 ? 0 : i * (all.size() - 1) / (count - 1)]);
}

// Which to keep, in their old order.
std::vector<Imported::Trial> chosen(std::vector<Imported::Trial> all, const Objective& first, std::size_t most) {
  if (all.size() <= most) return all;
  std::vector<std::size_t> good, bad;
  for (std::size_t i = 0; i < all.size(); ++i) (score(all[i], first) < INFINITY ? good : bad).push_back(i);
  std::stable_sort(good.begin(), good.end(), [&](auto a, auto b) { return score(all[a], first) < score(all[b], first); });
  const std::size_t failures = std::min(bad.size(), std::max(most / 4, most - std::min(most, good.size())));
  const std::size_t best = std::min(good.size(), (most - failures + 3) / 4);
  std::vector<std::size_t> keep(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(best));
  good.erase(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(best));
  spread(good, most - failures - best, keep);
  spread(bad, failures, keep);
  std::sort(keep.begin(), keep.end());
  std::vector<Imported::Trial> out;
  for (const std::size_t i : keep) out.push_back(std::move(all[i]));
  return out;
}

}  // namespace

Result<Imported> transfer(const Spec& from, const std::vector<ForeignTrial>& trials, const Spec& into, std::size_t most) {
  const auto objectives = places(from, into);
  if (!objectives) return objectives.error();

  Imported out;
  out.source = from.name;
  for (const auto& d : into.space.dimensions()) {
    const auto* there = from.space.find(d.name);
    if (there && d.kind == Kind::constant && !(there->kind == Kind::constant && there->values == d.values))
      out.unmatched.push_back(d.name + " is always " + to_text(d.values.front()) + " here");
    else if (there)
      out.matched.push_back(d.name);
    else if (d.kind != Kind::constant)
      out.unmatched.push_back(d.name + " is new: taken as " + to_text(stand_in(d)));
  }
  for (const auto& d : from.space.dimensions())
    if (!into.space.find(d.name) && d.kind != Kind::constant) out.unmatched.push_back(d.name + " is not searched here");

  std::vector<Imported::Trial> all;
  std::size_t outside = 0;
  for (const auto& t : trials) {
    if (t.state != TrialState::complete && t.state != TrialState::failed && t.state != TrialState::infeasible) continue;
    auto params = translated(t.params, into.space);
    if (!params) {
      ++outside;
      continue;
    }
    Imported::Trial kept{std::move(*params), t.feasible ? t.state : TrialState::infeasible, {}};
    for (const std::size_t place : *objectives)
      if (place < t.values.size()) kept.values.push_back(t.values[place]);
    if (kept.values.size() != objectives->size()) kept.values.clear();
    if (kept.state == TrialState::complete && kept.values.empty()) continue;
    all.push_back(std::move(kept));
  }
  if (outside > 0)
    out.unmatched.push_back(std::to_string(outside) + " of " + std::to_string(outside + all.size()) +
                            " trials lie outside this space");
  out.trials = chosen(std::move(all), into.objectives.front(), most);
  return out;
}

std::string text_of(const Imported& from) {
  std::string out = "learned " + std::to_string(from.trials.size()) + (from.trials.size() == 1 ? " trial" : " trials") +
                    " of " + quoted(from.source);
  for (std::size_t i = 0; i < from.unmatched.size(); ++i) out += (i == 0 ? "; not matched: " : ", ") + printable(from.unmatched[i]);
  return out;
}

const Imported::Trial* best_of(const Imported& from, const Spec& into) {
  const auto& first = into.objectives.front();
  const auto it = std::min_element(from.trials.begin(), from.trials.end(),
                                   [&](const auto& a, const auto& b) { return score(a, first) < score(b, first); });
  return it == from.trials.end() || !(score(*it, first) < INFINITY) ? nullptr : &*it;
}

}  // namespace tune
