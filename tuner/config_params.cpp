// SPDX-License-Identifier: Apache-2.0
// params, constraints and points of a config.
#include <algorithm>
#include <array>
#include <cmath>

#include "tuner/command.hpp"
#include "tuner/config_parts.hpp"
#include "tuner/expression.hpp"
#include "tuner/json.hpp"
#include "tuner/nearest.hpp"

namespace tune::detail {
namespace {

using Kind = Dimension::Kind;
constexpr double kInfinity = std::numeric_limits<double>::infinity();

struct Type {
  std::string_view name;
  Kind kind;
  std::vector<std::string_view> keys;  // Beside those that all have.
};

const std::array<Type, 11>& types() {
  static const std::array<Type, 11> all{{{"uniform", Kind::uniform, {"min", "max", "step", "prior"}},
                                         {"loguniform", Kind::loguniform, {"min", "max", "step", "prior"}},
                                         {"int", Kind::integer, {"min", "max", "step", "prior"}},
                                         {"logint", Kind::logint, {"min", "max", "step", "prior"}},
                                         {"normal", Kind::normal, {"mu", "sigma", "min", "max", "step", "prior"}},
                                         {"lognormal", Kind::lognormal, {"mu", "sigma", "min", "max", "step", "prior"}},
                                         {"choice", Kind::choice, {"values", "weights", "prior"}},
                                         {"ordinal", Kind::ordinal, {"values", "prior"}},
                                         {"grid", Kind::grid, {"values", "prior"}},
                                         {"bool", Kind::boolean, {"prior"}},
                                         {"const", Kind::constant, {"value"}}}};
  return all;
}

bool is_log(Kind k) { return k == Kind::loguniform || k == Kind::logint; }
bool is_integer(Kind k) { return k == Kind::integer || k == Kind::logint; }
bool is_normal(Kind k) { return k == Kind::normal || k == Kind::lognormal; }
bool has_prior(Kind k) { return k != Kind::constant; }
bool is_list(Kind k) { return k == Kind::choice || k == Kind::ordinal || k == Kind::grid; }

// "opt.weight-decay": words of letters, digits, _ and -, joined by dots; the first begins with a letter or _.
bool is_parameter_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (name.empty() || name.size() > 128 || !letter(name[0]) || name.back() == '.' ||
      name.find("..") != std::string_view::npos)
    return false;
  return std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '.'; });
}

class ParamReader {
 public:
  ParamReader(Findings& findings, Places& places) : findings_(findings), places_(places) {}

  std::vector<Dimension> read(const JsonNode& params) {
    std::vector<Dimension> out;
    for (const auto& m : params.members) {
      places_.params[m.key] = m.span();
      if (!is_parameter_name(m.key))
        findings_.add("E012", m.key_span, shown(m.key) + " is no name for a parameter",
                      "a letter or _ first, then letters, digits, _ and -, at most 128; dots nest");
      if (auto d = parameter(m)) {
        d->name = m.key;
        out.push_back(std::move(*d));
      }
    }
    return out;
  }

 private:
  std::optional<Dimension> parameter(const JsonMember& m) {
    Dimension d;
    if (m.value.kind == JsonNode::Kind::array) {
      d.kind = Kind::choice;
      return values(m, d) ? std::optional{d} : std::nullopt;
    }
    if (m.value.kind != JsonNode::Kind::object) {
      d.kind = Kind::constant;
      const auto v = value_of(findings_, m.value, m.key);
      if (!v) return std::nullopt;
      d.values = {*v};
      return d;
    }
    return typed(m);
  }

  std::optional<Dimension> typed(const JsonMember& m) {
    Section s{findings_, &m.value, m.key_span, "params.*"};
    const auto* given = s.require("type");
    const auto name = s.text("type");
    if (!given || !name) return std::nullopt;
    const auto type = std::find_if(types().begin(), types().end(), [&](const Type& t) { return t.name == *name; });
    if (type == types().end()) {
      std::vector<std::string_view> names;
      for (const auto& t : types()) names.push_back(t.name);
      const auto near = nearest(*name, std::span<const std::string_view>{names});
      findings_.add(
          "E020", given->span(), shown(*name) + " is no type of parameter",
          near.empty()
              ? "there are uniform, loguniform, int, logint, normal, lognormal, choice, ordinal, grid, bool and const"
              : "did you mean \"" + std::string{near} + "\"?");
      return std::nullopt;
    }
    for (const auto& key : m.value.members) {
      static constexpr std::array<std::string_view, 8> specific{"min",   "max",    "step",    "mu",
                                                                "sigma", "values", "weights", "prior"};
      const bool known = key.key == "value" || std::find(specific.begin(), specific.end(), key.key) != specific.end();
      if (known && std::find(type->keys.begin(), type->keys.end(), key.key) == type->keys.end())
        findings_.add("E003", key.key_span,
                      shown(key.key) + " does not belong to a parameter of type \"" + *name + "\"");
    }

    Dimension d;
    d.kind = type->kind;
    d.unit = s.text("unit").value_or("");
    d.doc = s.text("doc").value_or("");
    if (const auto* when = s.member("when")) conditions(*when, d);
    if (d.kind == Kind::boolean) return prior(s, d) ? std::optional{d} : std::nullopt;
    if (d.kind == Kind::constant) {
      const auto* v = s.require("value");
      const auto read = v ? value_of(findings_, v->value, m.key) : std::nullopt;
      if (!read) return std::nullopt;
      d.values = {*read};
      return d;
    }
    if (is_list(d.kind)) {
      const auto* list = s.require("values");
      return list && values(*list, d) && weights(s, d) && prior(s, d) ? std::optional{d} : std::nullopt;
    }
    return numbers(s, d, *name) && prior(s, d) ? std::optional{d} : std::nullopt;
  }

  std::optional<double> bound(Section& s, std::string_view key, Kind kind, Range range = {}) {
    if (!is_integer(kind)) return s.number(key, range);
    const auto i = s.integer(key, range);
    if (!i) return std::nullopt;
    constexpr std::int64_t exact = std::int64_t{1} << 53;
    if (*i > exact || *i < -exact) {
      findings_.add("E027", s.member(key)->span(),
                    shown(key) + " is beyond 2^53, where whole numbers are no longer exact");
      return std::nullopt;
    }
    return static_cast<double>(*i);
  }

  // min, max, step, mu, sigma.
  bool numbers(Section& s, Dimension& d, const std::string& type) {
    const bool normal = is_normal(d.kind);
    const bool first = s.require(normal ? "mu" : "min") != nullptr;
    const bool second = s.require(normal ? "sigma" : "max") != nullptr;  // Both are asked for, so that both are reported.
    const bool needed = first && second;
    const auto min = bound(s, "min", d.kind), max = bound(s, "max", d.kind);
    const auto step = bound(s, "step", d.kind, is_integer(d.kind) ? kFromOne : kPositive);
    const auto mu = s.number("mu"), sigma = s.number("sigma", kPositive);
    const auto unread = [&](const char* key, const auto& value) { return s.member(key) && !value; };
    if (!needed || unread("min", min) || unread("max", max) || unread("step", step) || unread("mu", mu) ||
        unread("sigma", sigma))
      return false;
    d.min = min.value_or(-kInfinity), d.max = max.value_or(kInfinity), d.step = step.value_or(0);
    if (normal) d.mu = *mu, d.sigma = *sigma;

    if (!(d.min < d.max)) {
      findings_.add("E021", s.member("max")->span(), "`max` must be greater than `min` for \"" + type + "\"",
                    d.min > d.max ? "swap them: \"min\": " + to_text(d.max) + ", \"max\": " + to_text(d.min)
                                  : "a single value is a constant: write it alone");
      return false;
    }
    if (is_log(d.kind) && !(d.min > 0)) {
      findings_.add("E022", s.member("min")->span(), "`min` must be above 0 for \"" + type + "\"",
                    "a log scale never reaches 0; bounds are values, not exponents");
      return false;
    }
    if (d.kind == Kind::lognormal && !(d.max > 0)) {
      findings_.add("E022", s.member("max")->span(), "`max` must be above 0 for \"lognormal\"");
      return false;
    }
    if (d.step > d.max - d.min) {
      findings_.add("E023", s.member("step")->span(),
                    "`step` is larger than the range from " + to_text(d.min) + " to " + to_text(d.max));
      return false;
    }
    return normal ? has_mass(s, d) : divides(s, d);
  }

  bool has_mass(Section& s, const Dimension& d) {
    const auto standard = [&](double x) {
      return ((d.kind == Kind::lognormal ? (x > 0 ? std::log(x) : -kInfinity) : x) - d.mu) / d.sigma;
    };
    const double low = standard(d.min), high = standard(d.max), nearest_end = low > 0 ? low : high < 0 ? -high : 0;
    const bool overflow = d.kind == Kind::lognormal && std::isinf(std::exp(d.mu + 9 * d.sigma)) && std::isinf(d.max);
    if (nearest_end <= 30 && !overflow) return true;
    findings_.add("E028", s.where(),
                  overflow ? "this lognormal has values that no number can hold; `mu` and `sigma` are of the logarithm"
                           : "`min` and `max` lie more than 30 `sigma` from `mu`: nothing of the distribution is left");
    return false;
  }

  bool divides(Section& s, const Dimension& d) {
    if (d.step > 0) {
      const double top = *to_number(d.at(1));
      if (top < d.max - 1e-9 * d.step)
        findings_.add(
            "W017", s.member("step")->span(),
            "`step` does not divide the range: the largest value is " + to_text(top) + ", not " + to_text(d.max));
    }
    return true;
  }

  bool values(const JsonMember& m, Dimension& d) {
    if (m.value.kind != JsonNode::Kind::array) {
      findings_.add("E004", m.span(), shown(m.key) + " must be a list and is " + std::string{kind_of(m.value)});
      return false;
    }
    if (m.value.items.empty()) return findings_.add("E011", m.span(), shown(m.key) + " has no values"), false;
    for (const auto& item : m.value.items) {
      const auto v = value_of(findings_, item, m.key);
      if (!v) return false;
      d.values.push_back(*v);
    }
    // One double makes every number of the list a double, so that 1 and 0.5 are of one kind.
    const auto is_double = [](const Value& v) { return std::holds_alternative<double>(v); };
    if (std::any_of(d.values.begin(), d.values.end(), is_double))
      for (auto& v : d.values)
        if (const auto* i = std::get_if<std::int64_t>(&v)) v = static_cast<double>(*i);
    for (std::size_t i = 0; i < d.values.size(); ++i) {
      const auto first = std::find(d.values.begin(), d.values.end(), d.values[i]);
      if (first - d.values.begin() == static_cast<std::ptrdiff_t>(i)) continue;
      findings_.add("E025", m.value.items[i].span, shown(to_text(d.values[i])) + " is in the list already",
                    d.kind == Kind::choice ? "use `weights` to draw it more often" : "");
      return false;
    }
    return true;
  }

  bool weights(Section& s, Dimension& d) {
    const auto* m = s.member("weights");
    if (!m || d.kind != Kind::choice) return true;
    auto read = shares(s, *m, d.values.size(), "E024");
    if (read) d.weights = std::move(*read);
    return read.has_value();
  }

  // One number a value, made to sum to 1.
  std::optional<std::vector<double>> shares(Section& s, const JsonMember& m, std::size_t values, const char* code) {
    if (m.value.kind != JsonNode::Kind::array) return s.wrong_type(m, "a list of numbers"), std::nullopt;
    std::vector<double> out;
    double sum = 0;
    for (const auto& item : m.value.items) {
      const auto w = number_of(findings_, item, item.span, "weights", kFromZero);
      if (!w) return std::nullopt;
      out.push_back(*w);
      sum += *w;
    }
    if (out.size() != values) {
      findings_.add(code, m.span(),
                    "there are " + std::to_string(values) + " values and " + std::to_string(out.size()) + " weights");
      return std::nullopt;
    }
    if (!(sum > 0) || std::isinf(sum))
      return findings_.add(code, m.span(), "the weights must have a positive and finite sum"), std::nullopt;
    // Left alone when they are shares already: dividing again would move the last digit.
    if (std::fabs(sum - 1) > 1e-9)
      for (auto& w : out) w /= sum;
    return out;
  }

  bool prior(Section& s, Dimension& d) {
    const auto* m = s.member("prior");
    if (!m || !has_prior(d.kind)) return true;  // A key that does not belong is reported already.
    auto in = s.section("prior");
    if (!in.present()) return false;
    const bool listed = d.kind >= Kind::choice;
    const auto foreign = [&](std::string_view key) {
      const auto* member = in.member(key);
      if (member)
        findings_.add("E026", member->key_span, shown(key) + " is not for the prior of a parameter of this type",
                      listed ? R"({"weights": [1, 2, 1]}, one for each value)" : R"({"at": 0.01, "width": 0.2})");
      return member != nullptr;
    };
    Dimension::Prior out;
    if (listed) {
      if (foreign("at") || foreign("width")) return false;
      const auto* weights = in.require("weights");
      auto read = weights ? shares(in, *weights, d.kind == Kind::boolean ? 2 : d.values.size(), "E026") : std::nullopt;
      if (!read) return false;
      out.weights = std::move(*read);
    } else {
      if (foreign("weights")) return false;
      const auto* given = in.require("at");
      const auto at = in.number("at"), width = in.number("width", {0, Dimension::Prior::kWidest, true, false});
      if (!given || !at || (in.member("width") && !width)) return false;
      if (!(*at >= d.min && *at <= d.max)) {
        findings_.add("E026", given->span(),
                      "`at` must lie in the range from " + to_text(d.min) + " to " + to_text(d.max) + " and is " + to_text(*at));
        return false;
      }
      out.at = *at, out.width = width.value_or(out.width);
    }
    d.prior = std::move(out);
    return true;
  }

  void conditions(const JsonMember& when, Dimension& d) {
    if (when.value.kind != JsonNode::Kind::object) {
      findings_.add("E004", when.span(), "`when` must be an object and is " + std::string{kind_of(when.value)},
                    "\"when\": {\"optimizer\": \"sgd\"}");
      return;
    }
    if (when.value.members.empty()) findings_.add("E011", when.span(), "`when` has no test");
    for (const auto& m : when.value.members) {
      if (m.value.kind != JsonNode::Kind::object) {
        list_test(m.key, m.value, Test::Op::in, d);
        continue;
      }
      if (m.value.members.empty()) findings_.add("E011", m.span(), "the test on " + shown(m.key) + " is empty");
      for (const auto& test : m.value.members) {
        static constexpr std::array<std::pair<std::string_view, Test::Op>, 4> bounds{
            {{"gt", Test::Op::gt}, {"ge", Test::Op::ge}, {"lt", Test::Op::lt}, {"le", Test::Op::le}}};
        const auto* bound =
            std::find_if(bounds.begin(), bounds.end(), [&](const auto& b) { return b.first == test.key; });
        if (bound != bounds.end()) {
          if (const auto x = number_of(findings_, test.value, test.span(), test.key, {}))
            d.when.push_back({m.key, bound->second, {}, *x});
        } else if (test.key == "not") {
          list_test(m.key, test.value, Test::Op::not_in, d);
        } else {
          findings_.add("E003", test.key_span, "unknown test " + shown(test.key), "there are gt, ge, lt, le and not");
        }
      }
    }
  }

  void list_test(const std::string& parent, const JsonNode& node, Test::Op op, Dimension& d) {
    Test test{parent, op, {}, 0};
    if (node.kind == JsonNode::Kind::array) {
      if (node.items.empty()) findings_.add("E011", node.span, "the list of values for " + shown(parent) + " is empty");
      for (const auto& item : node.items)
        if (const auto v = value_of(findings_, item, parent)) test.values.push_back(*v);
    } else if (const auto v = value_of(findings_, node, parent)) {
      test.values.push_back(*v);
    }
    d.when.push_back(std::move(test));
  }

  Findings& findings_;
  Places& places_;
};

// Names whose programs could not tell them apart.
void check_names(Findings& findings, const std::vector<Dimension>& all, const Places& places) {
  std::map<std::string, std::string> by_environment;
  for (const auto& d : all) {
    const auto [other, fresh] = by_environment.emplace(environment_name(d.name), d.name);
    if (!fresh)
      findings.add(
          "E029", places.params.at(d.name),
          shown(d.name) + " and " + shown(other->second) + " would both be " + other->first + " in the environment");
    for (auto dot = d.name.find('.'); dot != std::string::npos; dot = d.name.find('.', dot + 1)) {
      const auto outer = d.name.substr(0, dot);
      if (std::any_of(all.begin(), all.end(), [&](const auto& o) { return o.name == outer; }))
        findings.add("E029", places.params.at(d.name),
                     shown(outer) + " cannot be a value and hold " + shown(d.name) + " in the params file");
    }
  }
}

const Dimension* find(const std::vector<Dimension>& all, std::string_view name) {
  const auto found = std::find_if(all.begin(), all.end(), [&](const auto& d) { return d.name == name; });
  return found == all.end() ? nullptr : &*found;
}

// Can the parent ever pass? Exact for lists; by the range for numbers.
bool reachable(const Test& test, const Dimension& parent) {
  const bool number = parent.kind < Kind::choice;
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
  if (parent.kind == Kind::boolean) return holds(0) || holds(1);
  return std::any_of(parent.values.begin(), parent.values.end(), [&](const Value& v) {
    const auto x = to_number(v);
    return x && holds(*x);
  });
}

bool check_conditions(Findings& findings, const std::vector<Dimension>& all, const JsonNode& params,
                      const Places& places) {
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

std::vector<std::string> read_constraints(Findings& findings, Section& top, const std::vector<Dimension>& all,
                                          Places& places) {
  const auto texts = top.texts("constraints");
  if (!texts) return {};
  const auto& items = top.member("constraints")->value.items;
  std::vector<std::string> names, out;
  for (const auto& [name, span] : places.params) names.push_back(name);
  for (std::size_t i = 0; i < texts->size(); ++i) {
    std::size_t at = 0;
    const auto expression = Expression::parse((*texts)[i], &at);
    Span span = items[i].span;
    if (!expression) {
      // Without escapes the bytes of the text are those of the config.
      if (span.end - span.begin == (*texts)[i].size() + 2)
        span = {span.source, span.begin + 1 + at, span.begin + 2 + at};
      findings.add("E033", span, "this constraint cannot be read: " + expression.error().message);
      continue;
    }
    bool known = true;
    for (const auto& name : expression->names()) {
      if (find(all, name)) continue;
      known = false;
      if (places.params.contains(name)) continue;
      const auto near = nearest(name, names);
      findings.add("E034", span, "the constraint names " + shown(name) + ", which is no parameter",
                   near.empty() ? "" : "did you mean \"" + std::string{near} + "\"?");
    }
    if (!known) continue;
    out.push_back((*texts)[i]);
    places.constraints.push_back(span);
  }
  return out;
}

void read_points(Findings& findings, Section& top, Spec& spec) {
  const auto* m = top.member("points");
  if (!m) return;
  if (m->value.kind != JsonNode::Kind::array) return top.wrong_type(*m, "a list of objects");
  for (const auto& item : m->value.items) {
    if (item.kind != JsonNode::Kind::object) {
      findings.add("E004", item.span,
                   "a point is an object with a value for each parameter; this is " + std::string{kind_of(item)});
      continue;
    }
    Params given;
    bool fine = true;
    for (const auto& member : item.members) {
      auto v = value_of(findings, member.value, member.key);
      fine = fine && v;
      if (!v) continue;
      const auto* d = spec.space.find(member.key);
      const auto* x = std::get_if<double>(&*v);
      if (d && is_integer(d->kind) && x && *x == std::floor(*x) && std::fabs(*x) <= 0x1p53)
        v = static_cast<std::int64_t>(*x);
      given.set(member.key, *v);
    }
    if (!fine) continue;
    auto complete = spec.space.complete(std::move(given));
    if (complete)
      spec.points.push_back(std::move(*complete));
    else
      findings.add("E035", item.span, "this point is not in the space: " + complete.error().message,
                   complete.error().hint);
  }
}

void read_warm_start(Findings& findings, Section& top, Spec& spec) {
  const auto names = top.texts("warm_start");
  if (!names) return;
  for (std::size_t i = 0; i < names->size(); ++i) {
    const auto& name = (*names)[i];
    const Span span = top.member("warm_start")->value.items[i].span;
    if (name.empty()) findings.add("E011", span, "the name of an experiment is empty");
    if (name == spec.name) findings.add("E036", span, shown(name) + " is this experiment itself", "name earlier ones");
    if (std::find(spec.warm_start.begin(), spec.warm_start.end(), name) != spec.warm_start.end())
      findings.add("E036", span, shown(name) + " is in the list already");
    spec.warm_start.push_back(name);
  }
}

}  // namespace

bool read_space(Findings& findings, Section& top, Spec& spec, Places& places) {
  const auto* params = top.require("params");
  if (!params) return false;
  if (params->value.kind != JsonNode::Kind::object) return top.wrong_type(*params, "an object"), false;
  if (params->value.members.empty())
    return findings.add("E011", params->span(), "`params` is empty: there is nothing to search"), false;

  const auto dimensions = ParamReader{findings, places}.read(params->value);
  check_names(findings, dimensions, places);
  const bool known = check_conditions(findings, dimensions, params->value, places);
  const bool acyclic = check_circles(findings, dimensions, places);
  auto constraints = read_constraints(findings, top, dimensions, places);
  if (!known || !acyclic || dimensions.size() != params->value.members.size() ||
      constraints.size() != (top.member("constraints") ? top.member("constraints")->value.items.size() : 0))
    return false;
  auto space = Space::make(dimensions, std::move(constraints));
  if (!space) return findings.add("E006", params->span(), space.error().message, space.error().hint), false;
  spec.space = std::move(*space);
  read_points(findings, top, spec);
  read_warm_start(findings, top, spec);
  return true;
}

}  // namespace tune::detail
