// SPDX-License-Identifier: Apache-2.0
#include "ui/view/parameter_importance.hpp"

#include <algorithm>

#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"

namespace tune {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr std::size_t kPairsAmong = 8;
constexpr double kNinety = 1.645;  // Standard deviations on either side that hold 90 % of a normal distribution.

std::string few(std::size_t trials) { return "only " + std::to_string(trials) + " trials: this may change with the next few"; }

std::string as_json(const ParameterImportance& told, const std::string& method) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("method").value(method).key("trials").value(static_cast<std::int64_t>(told.seen)).key("notice");
  told.few ? json.value(few(told.useful)) : json.null();
  json.key("params").begin_array();
  for (const auto& one : told.parameters)
    json.begin_object().key("name").value(one.name).key("share").value(one.value).key("low")
        .value(std::max(0.0, one.value - kNinety * one.spread)).key("high").value(one.value + kNinety * one.spread).end_object();
  json.end_array().key("pairs").begin_array();
  for (const auto& pair : told.pairs) json.begin_object().key("a").value(pair.a).key("b").value(pair.b).key("share").value(pair.value).end_object();
  json.end_array().end_object();
  return out;
}

void write_axis(JsonWriter& json, const char* key, const ParameterSurface::Axis& axis) {
  json.key(key).begin_object().key("name").value(axis.name).key("values").begin_array();
  for (const auto& value : axis.values) std::visit([&](const auto& v) { json.value(v); }, value);
  json.end_array().end_object();
}

std::string as_json(const ParameterSurface& told, const std::string& objective) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("objective").value(objective).key("trials").value(static_cast<std::int64_t>(told.useful)).key("notice");
  told.few ? json.value(few(told.useful)) : json.null();
  write_axis(json, "x", told.x), write_axis(json, "y", told.y);
  for (const auto& [key, cells] : {std::pair{"mean", &told.mean}, std::pair{"spread", &told.spread}}) {
    json.key(key).begin_array();
    for (const double cell : *cells) json.value(cell);
    json.end_array();
  }
  json.end_object();
  return out;
}

Result<std::size_t> objective_named(const Query& query, const Spec& spec) {
  if (!query.has("objective")) return std::size_t{0};
  const auto name = query.get("objective");
  for (std::size_t k = 0; k < spec.objectives.size(); ++k)
    if (spec.objectives[k].metric == name) return k;
  return Error{Error::Code::invalid, "`" + printable(name) + "` is no objective of `" + printable(spec.name) + "`", ""};
}

}  // namespace

Result<Response> importance(Site& site, const Call& call) {
  const auto method = call.query.has("method") ? call.query.get("method") : "ped-anova";
  if (method != "ped-anova" && method != "fanova")
    return Error{Error::Code::invalid, "`method` is ped-anova or fanova, not `" + printable(method) + "`", ""};
  const auto about = regarded(site, call);
  if (!about) return about.error();
  const auto objective = objective_named(call.query, *about->spec);
  if (!objective) return objective.error();
  // It takes a while, and moves little from one trial to the next.
  auto text = site.once_per_change(
      "importance " + method + std::to_string(*objective), about->pulse,
      [&]() -> Result<std::string> {
        const auto row = about->reader->experiment(call.name);
        if (!row) return row.error();
        const auto told = parameter_importance(*about->reader, *row, *about->spec, *objective,
                                               method == "fanova" ? ImportanceMethod::fanova : ImportanceMethod::ped_anova, kPairsAmong);
        if (!told) return told.error();
        return as_json(*told, method);
      },
      kPatience);
  if (!text) return text.error();
  return json_response(std::move(*text));
}

Result<Response> surface(Site& site, const Call& call) {
  const auto about = regarded(site, call);
  if (!about) return about.error();
  const auto& spec = *about->spec;
  const auto objective = objective_named(call.query, spec);
  if (!objective) return objective.error();
  const auto x = call.query.get("x"), y = call.query.get("y");
  for (const auto& name : {x, y})  // What is kept under a name is of a parameter.
    if (!name.empty() && !spec.space.find(name))
      return Error{Error::Code::invalid, "`" + printable(name) + "` is no parameter of `" + printable(spec.name) + "`", ""};
  auto text = site.once_per_change(
      "surface " + std::to_string(*objective) + " " + x + " " + y, about->pulse,
      [&]() -> Result<std::string> {
        const auto row = about->reader->experiment(call.name);
        if (!row) return row.error();
        const auto told = parameter_surface(*about->reader, *row, spec, *objective, x, y);
        if (!told) return told.error();
        return as_json(*told, spec.objectives[*objective].metric);
      },
      kPatience);
  if (!text) return text.error();
  return json_response(std::move(*text));
}

}  // namespace tune
