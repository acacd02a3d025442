// SPDX-License-Identifier: Apache-2.0
#include "tuner/lineage.hpp"

#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "ui/cli/check.hpp"
#include "ui/cli/subject.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

std::string json_of(const Params& params) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : params) json.key(name).raw(to_json(value));
  json.end_object();
  return out;
}

// What changed from one stretch to the next; all of it in the first.
Params changed(const Params& now, const Params* before) {
  Params out;
  for (const auto& [name, value] : now) {
    const Value* old = before ? before->find(name) : nullptr;
    if (!old || *old != value) out.set(name, value);
  }
  return out;
}

Listing table(const std::vector<Stretch>& stretches, std::int64_t last_step) {
  Listing listing({{"from_step"}, {"to_step"}, {"trial"}, {"donor"}, {"params", true}});
  for (std::size_t i = 0; i < stretches.size(); ++i) {
    const Stretch& s = stretches[i];
    const std::int64_t to = i + 1 < stretches.size() ? stretches[i + 1].from_step : last_step;
    const auto news = params_text(changed(s.params, i ? &stretches[i - 1].params : nullptr));
    listing.add({s.from_step, to, s.trial.value, s.donor ? Shown(s.donor->value) : Shown(), Shown::raw(news.empty() ? "unchanged" : news, json_of(s.params))});
  }
  return listing;
}

void set(JsonNode& object, const std::string& key, const std::string& json) {
  JsonNode value = parse_json(json, 0, [](const JsonFault&) {}).value_or(JsonNode{});
  if (auto* m = object.find(key))
    m->value = std::move(value);
  else
    object.members.push_back({key, {}, std::move(value)});
}

// The experiment's own config, so that program, objective and checkpoints stay what they were, with another scheduler.
std::string replay_config(const ExperimentRow& experiment, TrialId trial, const std::vector<Stretch>& stretches) {
  JsonNode config = parse_json(experiment.config, 0, [](const JsonFault&) {}).value_or(JsonNode{});
  std::string scheduler, name;
  JsonWriter json(scheduler);
  json.begin_object().key("type").value("replay");
  const auto* before = config.find("scheduler");
  if (const auto* max = before ? before->value.find("max_step") : nullptr) json.key("max_step").raw(to_json(max->value));
  json.key("schedule").begin_array();
  for (const auto& line : schedule(stretches)) json.begin_object().key("step").value(line.from_step).key("params").raw(json_of(line.params)).end_object();
  json.end_array().end_object();
  const std::string suffix = "-lineage-" + std::to_string(trial.value);
  constexpr std::size_t kLongestName = 63;
  JsonWriter{name}.value(experiment.name.substr(0, kLongestName - suffix.size()) + suffix);

  set(config, "name", name);
  set(config, "scheduler", scheduler);
  set(config, "search", R"({"type": "random"})");
  set(config, "stop", R"({"trials": 1})");
  std::erase_if(config.members, [](const JsonMember& m) { return m.key == "points" || m.key == "warm_start"; });
  return to_json(config);
}

}  // namespace

int lineage_verb(Invocation& call) {
  if (call.words().size() != 1) return call.fail(usage_error("of which trial?", "tune lineage 7"));
  const auto subject = find_trial(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  const auto& [reader, experiment, trial] = *subject;
  const auto detail = reader->trial(experiment.id, *trial);
  if (!detail) return call.fail(detail.error());
  const auto stretches = lineage(*trial, [&](TrialId id) { return subject->reader->facts(subject->experiment.id, id); });
  if (!stretches) return call.fail(stretches.error());
  if (call.has("config"))
    call.print_exact(indented(replay_config(experiment, *trial, *stretches)) + "\n");
  else
    call.print(table(*stretches, detail->row.last_step));
  return kOk;
}

}  // namespace tune
