// SPDX-License-Identifier: Apache-2.0
// params: what each of them says by itself, and what they are called.
#include <algorithm>
#include <array>
#include <cmath>

#include "tuner/command.hpp"
#include "tuner/config_parts.hpp"
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

}  // namespace

std::vector<Dimension> read_params(Findings& findings, const JsonNode& params, Places& places) {
  auto out = ParamReader{findings, places}.read(params);
  check_names(findings, out, places);
  return out;
}

}  // namespace tune::detail
