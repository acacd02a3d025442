// SPDX-License-Identifier: Apache-2.0
// The server, its experiments, and one of them with everything that was configured.
#include <chrono>

#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/experiment_text.hpp"
#include "ui/view/text.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

constexpr std::chrono::milliseconds kAtOnce{0};  // Whoever changed something and looks sees the change.

double now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string_view kind_name(Dimension::Kind kind) {
  using Kind = Dimension::Kind;
  switch (kind) {
    case Kind::uniform:
      return "uniform";
    case Kind::loguniform:
      return "loguniform";
    case Kind::integer:
      return "int";
    case Kind::logint:
      return "logint";
    case Kind::normal:
      return "normal";
    case Kind::lognormal:
      return "lognormal";
    case Kind::choice:
      return "choice";
    case Kind::ordinal:
      return "ordinal";
    case Kind::grid:
      return "grid";
    case Kind::boolean:
      return "bool";
    case Kind::constant:
      return "const";
  }
  return "?";
}

/// `optimizer is one of adam, sgd and depth > 3`
std::string when_text(const std::vector<Test>& tests) {
  std::string out;
  for (const auto& test : tests) {
    using Op = Test::Op;
    out += (out.empty() ? "" : " and ") + test.parent;
    if (test.op != Op::in && test.op != Op::not_in) {
      const char* sign = test.op == Op::gt ? " > " : test.op == Op::ge ? " >= " : test.op == Op::lt ? " < " : " <= ";
      out += sign + number_text(test.bound);
      continue;
    }
    const bool one = test.values.size() == 1;
    out += test.op == Op::in ? (one ? " is " : " is one of ") : (one ? " is not " : " is none of ");
    for (std::size_t i = 0; i < test.values.size(); ++i) out += (i ? ", " : "") + to_text(test.values[i]);
  }
  return out;
}

void write_param(JsonWriter& json, const Dimension& d) {
  using Kind = Dimension::Kind;
  const bool bounded = d.values.empty() && d.kind != Kind::boolean;
  json.begin_object().key("name").value(d.name).key("kind").value(kind_name(d.kind));
  json.key("min"), bounded ? json.value(d.min) : json.null();
  json.key("max"), bounded ? json.value(d.max) : json.null();
  json.key("log").value(d.kind == Kind::loguniform || d.kind == Kind::logint || d.kind == Kind::lognormal);
  json.key("values").begin_array();
  for (const auto& value : d.values) json.raw(to_json(value));
  json.end_array().key("unit").value(d.unit).key("doc").value(d.doc).key("when");
  d.when.empty() ? json.null() : json.value(when_text(d.when));
  json.end_object();
}

void write_policy(JsonWriter& json, const PolicySpec& policy) {
  json.begin_object().key("type").value(policy.type);
  for (const auto& [name, value] : policy.options) json.key(name).raw(to_json(value));
  json.end_object();
}

void write_band(JsonWriter& json, const char* key, const Band& band, double by) {
  json.key(key).begin_array().value(band.low * by).value(band.middle * by).value(band.high * by).end_array();
}

void write_settings(JsonWriter& json, const Spec& spec) {
  json.key("params").begin_array();
  for (const auto& dimension : spec.space.dimensions()) write_param(json, dimension);
  json.end_array().key("search");
  write_policy(json, spec.search);
  json.key("scheduler");
  write_policy(json, spec.scheduler);
  json.key("executor");
  write_policy(json, spec.executor);
  json.key("parallel");
  spec.parallel ? json.value(*spec.parallel) : json.null();
}

/// What only changes when the experiment does.
Result<std::string> experiment_members(Site& site, const StoreReader& reader, const ExperimentRow& row) {
  const auto spec = site.spec(row);
  const auto metrics = reader.metric_names(row.id);
  if (!metrics) return metrics.error();
  std::string out;
  JsonWriter json(out);
  write_summary(json, reader, row, spec ? spec->get() : nullptr);
  json.key("config").raw(row.config.empty() ? "null" : without_secrets(row.config));
  json.key("metrics").begin_array();
  for (const auto& name : *metrics) json.value(name);
  json.end_array();
  if (spec) write_settings(json, **spec);
  json.key("folder").value(store_folder(site.settings().store) + "/" + row.name);
  return out;
}

}  // namespace

Result<Response> server_state(Site& site, const Call& call) {
  std::string out;
  JsonWriter(out).begin_object().key("version").value(TUNE_VERSION).key("store").value(site.settings().store).key("read_only")
      .value(site.only_shows(call)).key("now").value(now()).end_object();
  return json_response(std::move(out));
}

Result<Response> experiments(Site& site, const Call&) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulses = (*reader)->pulses();
  if (!pulses) return pulses.error();
  std::string out = "{\"experiments\":[";
  for (const auto& pulse : *pulses) {
    const auto summary = site.once_per_change("summary", pulse, [&]() -> Result<std::string> {
      const auto row = (*reader)->experiment(pulse.name);
      if (!row) return row.error();
      const auto spec = site.spec(*row);
      std::string text;
      JsonWriter json(text);
      json.begin_object();
      write_summary(json, **reader, *row, spec ? spec->get() : nullptr);
      json.end_object();
      return text;
    }, kAtOnce);
    if (!summary) continue;  // Removed since.
    out += (out.back() == '[' ? "" : ",") + *summary;
  }
  return json_response(out + "]}");
}

Result<Response> experiment(Site& site, const Call& call) {
  auto reader = site.readers().take();
  if (!reader) return reader.error();
  const auto pulse = site.pulse(**reader, call.name);
  if (!pulse) return pulse.error();
  const auto members = site.once_per_change("experiment", *pulse, [&]() -> Result<std::string> {
    const auto row = (*reader)->experiment(call.name);
    if (!row) return row.error();
    return experiment_members(site, **reader, *row);
  }, kAtOnce);
  if (!members) return members.error();
  std::string out = "{" + *members;
  const auto forecast = site.forecast(**reader, *pulse);
  out += ",\"forecast\":";
  if (!forecast) return json_response(out + "null}");
  JsonWriter json(out);
  json.begin_object();
  write_band(json, "left_seconds", forecast->left, 1);
  write_band(json, "slot_hours", forecast->slot_seconds, 1 / 3600.0);
  json.end_object();
  return json_response(out + "}");
}

}  // namespace tune
