// SPDX-License-Identifier: Apache-2.0
#include "ui/view/parameter_importance.hpp"

#include <algorithm>

#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"

namespace tune {
namespace {

constexpr std::chrono::seconds kPatience{10};
constexpr double kNinety = 1.645;  // Standard deviations on either side that hold 90 % of a normal distribution.

std::string as_json(const ParameterImportance& told, const std::string& method) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("method").value(method).key("trials").value(static_cast<std::int64_t>(told.seen)).key("notice");
  told.few ? json.value("only " + std::to_string(told.useful) + " trials: this may change with the next few") : json.null();
  json.key("params").begin_array();
  for (const auto& one : told.parameters)
    json.begin_object().key("name").value(one.name).key("share").value(one.value).key("low")
        .value(std::max(0.0, one.value - kNinety * one.spread)).key("high").value(one.value + kNinety * one.spread).end_object();
  json.end_array().key("pairs").begin_array().end_array().end_object();
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
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  const auto row = (*reader)->experiment(call.name);
  if (!row) return row.error();
  const auto spec = site.spec(*row);
  if (!spec) return spec.error();
  const auto objective = objective_named(call.query, **spec);
  if (!objective) return objective.error();
  // It takes a while, and moves little from one trial to the next.
  auto text = site.once_per_change(
      "importance " + method + std::to_string(*objective), *pulse,
      [&]() -> Result<std::string> {
        const auto told = parameter_importance(**reader, *row, **spec, *objective,
                                               method == "fanova" ? ImportanceMethod::fanova : ImportanceMethod::ped_anova);
        if (!told) return told.error();
        return as_json(*told, method);
      },
      kPatience);
  if (!text) return text.error();
  return json_response(std::move(*text));
}

}  // namespace tune
