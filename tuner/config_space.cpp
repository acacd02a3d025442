// SPDX-License-Identifier: Apache-2.0
// The space that params and constraints make, and the trials that are known in it beforehand: points and warm_start.
#include <algorithm>
#include <cmath>

#include "tuner/config_parts.hpp"
#include "tuner/expression.hpp"
#include "tuner/nearest.hpp"

namespace tune::detail {
namespace {

bool integer(const Dimension& d) { return d.kind == Dimension::Kind::integer || d.kind == Dimension::Kind::logint; }

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
      if (std::any_of(all.begin(), all.end(), [&](const auto& d) { return d.name == name; })) continue;
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
      if (d && integer(*d) && x && *x == std::floor(*x) && std::fabs(*x) <= 0x1p53)
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

  const auto dimensions = read_params(findings, params->value, places);
  const bool sound = check_conditions(findings, dimensions, params->value, places);
  auto constraints = read_constraints(findings, top, dimensions, places);
  if (!sound || dimensions.size() != params->value.members.size() ||
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
