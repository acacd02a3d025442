// SPDX-License-Identifier: Apache-2.0
// Everything about one trial.
#include <algorithm>

#include "tuner/lineage.hpp"
#include "ui/server/routes.hpp"
#include "ui/server/summary.hpp"
#include "ui/view/experiment_text.hpp"
#include "ui/view/trial_log.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

void write_attempt(JsonWriter& json, const AttemptRow& a) {
  const auto maybe = [&](const char* key, const auto& value) {
    json.key(key);
    value ? json.value(*value) : json.null();
  };
  json.begin_object().key("attempt").value(a.attempt).key("form").value(a.form);
  maybe("worker", a.worker), maybe("pid", a.pid);
  json.key("launched_at").value(a.launched_at);
  maybe("started_at", a.started_at), maybe("ended_at", a.ended_at);
  json.key("cause");
  a.cause ? json.value(to_text(*a.cause)) : json.null();
  maybe("exit_code", a.exit_code), maybe("signal", a.signal), maybe("seconds", a.seconds);
  maybe("cpu_seconds", a.cpu_seconds), maybe("peak_memory_bytes", a.peak_memory_bytes), maybe("checkpoint", a.checkpoint);
  json.key("text").value(a.text).end_object();
}

void write_stretch(JsonWriter& json, const Stretch& stretch, std::int64_t to) {
  json.begin_object().key("trial").value(stretch.trial.value).key("from_step").value(stretch.from_step).key("to_step").value(to);
  json.key("donor");
  stretch.donor ? json.value(stretch.donor->value) : json.null();
  json.key("params");
  write_params(json, stretch.params);
  json.end_object();
}

/// The checkpoints of one trial that are known, from the store's view of them.
Result<Done> write_checkpoints(JsonWriter& json, const StoreReader& reader, std::int64_t experiment, TrialId trial) {
  const auto table = reader.view(StoreReader::View::checkpoints, experiment, trial);
  if (!table) return table.error();
  const auto column = [&](std::string_view name) {
    return static_cast<std::size_t>(std::find(table->columns.begin(), table->columns.end(), name) - table->columns.begin());
  };
  const std::pair<const char*, std::size_t> shown[] = {
      {"step", column("step")}, {"hash", column("checkpoint")}, {"bytes", column("bytes")}, {"state", column("state")}};
  json.key("checkpoints").begin_array();
  for (const auto& row : table->rows) {
    json.begin_object();
    for (const auto& [name, at] : shown) write_cell(json.key(name), row[at]);
    json.end_object();
  }
  json.end_array();
  return Done{};
}

void write_environment(JsonWriter& json, const Spec& spec) {
  json.key("env").begin_object();
  for (const auto& [name, value] : spec.env) {
    json.key(name);
    !value ? json.null() : json.value(names_a_secret(name) ? "(hidden)" : *value);
  }
  json.end_object();
}

/// How it was proposed, and by whom.
Result<Done> write_source(JsonWriter& json, const StoreReader& reader, std::int64_t experiment, TrialId trial) {
  const auto facts = reader.facts(experiment, {.limit = 1, .kinds = {"Propose"}, .trial = trial});
  if (!facts) return facts.error();
  const auto* propose = facts->empty() ? nullptr : facts->front().as<Propose>();
  json.key("source").value(propose ? propose->source : "").key("sampler").value(propose ? propose->sampler : "");
  return Done{};
}

void write_row(JsonWriter& json, const TrialRow& row, const Spec& spec) {
  const auto time = [&](const char* key, double at) {
    json.key(key);
    at > 0 ? json.value(at) : json.null();
  };
  json.key("number").value(row.id.value).key("state").value(to_text(row.state)).key("cause").value(to_text(row.cause));
  json.key("attempt").value(row.attempt).key("reports").value(row.reports).key("last_step").value(row.last_step);
  json.key("until_step");
  row.until_step == kNoStep ? json.null() : json.value(row.until_step);
  time("proposed_at", row.proposed_at), time("launched_at", row.launched_at), time("ended_at", row.ended_at);
  json.key("values").begin_object();
  for (std::size_t k = 0; row.value && k < spec.objectives.size() && k <= row.more.size(); ++k)
    json.key(spec.objectives[k].metric).value(k == 0 ? *row.value : row.more[k - 1]);
  json.end_object().key("feasible").value(row.feasible);
}

}  // namespace

Result<Response> trial(Site& site, const Call& call) {
  const auto about = regarded(site, call);
  if (!about) return about.error();
  const StoreReader& reader = *about->reader;
  const Pulse& pulse = about->pulse;
  const Spec& spec = *about->spec;
  const auto detail = reader.trial(pulse.id, *call.trial);
  if (!detail) return detail.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  write_row(json, detail->row, spec);
  json.key("params");
  write_params(json, detail->params);
  json.key("metrics").begin_object();
  for (std::size_t i = 0; i < detail->last.size(); ++i) json.key((*detail->last.names)[i]).value(detail->last.values[i]);
  json.end_object().key("tags").begin_array();
  for (const auto& tag : detail->tags) json.value(tag);
  json.end_array().key("note").value(detail->note).key("star").value(detail->star);
  if (auto done = write_source(json, reader, pulse.id, *call.trial); !done) return done.error();
  json.key("argv").begin_array();
  const auto folder = store_folder(site.settings().store) + "/" + pulse.name + "/" + std::to_string(call.trial->value);
  if (const auto argv = command_of(spec, detail->params, *call.trial, folder, "PARAMS.json"))
    for (const auto& word : *argv) json.value(word);
  json.end_array();
  write_environment(json, spec);
  json.key("attempts").begin_array();
  for (const auto& attempt : detail->attempts) write_attempt(json, attempt);
  json.end_array();
  if (auto done = write_checkpoints(json, reader, pulse.id, *call.trial); !done) return done.error();
  json.end_object();
  return json_response(std::move(out));
}

Result<Response> trial_lineage(Site& site, const Call& call) {
  const auto about = regarded_trial(site, call);
  if (!about) return about.error();
  const auto stretches = lineage(*call.trial, [&](TrialId id) { return about->reader->facts(about->pulse.id, id); });
  if (!stretches) return stretches.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("stretches").begin_array();
  for (std::size_t i = 0; i < stretches->size(); ++i)
    write_stretch(json, (*stretches)[i], i + 1 < stretches->size() ? (*stretches)[i + 1].from_step : about->detail.row.last_step);
  json.end_array().end_object();
  return json_response(std::move(out));
}

}  // namespace tune
