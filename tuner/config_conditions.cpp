// SPDX-License-Identifier: Apache-2.0
// `when` of params: conditions name parameters that are there, can hold, and lead to no circle.
#include <algorithm>
#include <cmath>
#include <map>

#include "tuner/config_parts.hpp"
#include "tuner/nearest.hpp"

namespace tune::detail {
namespace {

const Dimension* find(const std::vector<Dimension>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// Can the parent ever pass? Exact for lists; by the range for numbers.
bool reachable(const Test& test, const Dimension& parent) {
  const bool number = parent.kind < Dimension::Kind::choice;
  switch (test.op) {
    case Test::Op::in:
      return std::any_of(test.values.begin(), test.values.end(),
                         [&](const Value& v) { return parent.position(v).has_value(); });
    case Test::Op::not_in: {
      const auto n = parent.cardinality();
      std::vector<double> excluded;
      for (const auto& v : test.values)
        if (const auto u = parent.position(v)) excluded.push_back(*u);
      std::sort(excluded.begin(), excluded.end());
      excluded.erase(std::unique(excluded.begin(), excluded.end()), excluded.end());
      return !n || excluded.size() < *n;
    }
    default:
      break;
  }
  const auto holds = [&](double x) {
    return test.op == Test::Op::gt   ? x > test.bound
           : test.op == Test::Op::ge ? x >= test.bound
           : test.op == Test::Op::lt ? x < test.bound
                                     : x <= test.bound;
  };
  if (number) {
    const bool up = test.op == Test::Op::gt || test.op == Test::Op::ge;
    if (std::isinf(up ? parent.max : parent.min)) return true;
    return holds(*to_number(parent.at(up ? 1 : 0)));
  }
  if (parent.kind == Dimension::Kind::boolean) return holds(0) || holds(1);
  return std::any_of(parent.values.begin(), parent.values.end(), [&](const Value& v) {
    const auto x = to_number(v);
    return x && holds(*x);
  });
}

bool check_parents(Findings& findings, const std::vector<Dimension>& all, const JsonNode& params, const Places& places) {
  bool fine = true;
  std::vector<std::string> names;
  for (const auto& m : params.members) names.push_back(m.key);
  for (const auto& d : all) {
    const Span span = places.params.at(d.name);
    for (const auto& test : d.when) {
      const auto* parent = find(all, test.parent);
      if (!parent) {
        fine = false;
        if (places.params.contains(test.parent)) continue;  // It is wrong itself, and reported.
        const auto near = nearest(test.parent, names);
        findings.add("E030", span,
                     "`when` of " + shown(d.name) + " names " + shown(test.parent) + ", which is no parameter",
                     near.empty() ? "" : "did you mean \"" + std::string{near} + "\"?");
      } else if (!reachable(test, *parent)) {
        findings.add("E032", span,
                     shown(d.name) + " can never be active: no value of " + shown(test.parent) + " passes its test");
      } else if (test.op == Test::Op::in) {
        for (const auto& v : test.values)
          if (!parent->position(v))
            findings.add("E032", span,
                         "`when` of " + shown(d.name) + ": " + shown(test.parent) + " is never " + shown(to_text(v)));
      }
    }
  }
  return fine;
}

// Follows conditions upwards: whoever meets itself again lies on a circle. Reported once for each circle.
bool check_circles(Findings& findings, const std::vector<Dimension>& all, const Places& places) {
  enum class State : std::uint8_t { fresh, open, done };
  std::map<std::string_view, State> state;
  bool fine = true;
  for (const auto& root : all) {
    struct Frame {
      const Dimension* at;
      std::size_t next;
    };
    std::vector<Frame> path{{&root, 0}};
    if (state[root.name] == State::done) continue;
    state[root.name] = State::open;
    while (!path.empty()) {
      auto& [at, next] = path.back();
      if (next == at->when.size()) {
        state[at->name] = State::done;
        path.pop_back();
        continue;
      }
      const auto* parent = find(all, at->when[next++].parent);
      if (!parent || state[parent->name] == State::done) continue;
      if (state[parent->name] == State::open) {
        std::string circle = parent->name;
        for (auto it = path.rbegin(); it != path.rend(); ++it) {
          circle = it->at->name + " -> " + circle;
          if (it->at == parent) break;
        }
        findings.add("E031", places.params.at(parent->name), "the conditions form a circle: " + printable(circle));
        fine = false;
        continue;
      }
      state[parent->name] = State::open;
      path.push_back({parent, 0});
    }
  }
  return fine;
}

}  // namespace

bool check_conditions(Findings& findings, const std::vector<Dimension>& all, const JsonNode& params, const Places& places) {
  const bool known = check_parents(findings, all, params, places);
  return check_circles(findings, all, places) && known;
}

}  // namespace tune::detail
