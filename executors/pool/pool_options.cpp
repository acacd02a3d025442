// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_options.hpp"

#include <algorithm>
#include <filesystem>

#include "executors/engines/engine_allocator.hpp"
#include "executors/link/hub.hpp"
#include "executors/pool/pool_executor.hpp"
#include "executors/process/environment.hpp"
#include "tuner/json_document.hpp"
#include "tuner/options.hpp"
#include "tuner/stragglers.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

std::vector<Option> options(bool engine) {
  using Kind = Option::Kind;
  std::vector<Option> all{
      {"listen", Kind::text, engine ? "\"0.0.0.0:0\"" : "",
       engine ? "Address that agents dial; port 0: a free one, the same as last time if it can be. Always encrypted."
              : "Address that agents dial, as \"0.0.0.0:7741\". Always encrypted. Without it they are of this machine only."},
      {"names", Kind::list, "[]", "Names and addresses by which agents reach it, besides those that this machine knows of. The first is what they dial."},
      {"lease", Kind::duration, "\"20s\"", "An agent that is not heard for so long ends its trials, and they are given away a little later."},
      {"on_lost", Kind::text, "\"stop\"", "What an agent that is cut off does with its trials after the lease: stop, or finish them and report later.", 0, 0, {"stop", "finish"}},
      {"finish_within", Kind::duration, "\"10m\"", "With on_lost finish: its trials are given away after so long."},
      {"start_timeout", Kind::duration, "\"30m\"", "Ranks on several agents must all have started so long after these had room for them, with all that is brought to them first."},
      speculate_option()};
  if (!engine)
    all.push_back({"agents", Kind::integer, "", "Agents to start on this machine, which share what it has. 1 if not given; with `listen` 0.", 0, 256});
  return all;
}

/// What is no text would be read as an empty one.
Result<Done> check_lists(const Params& given) {
  for (const auto& [name, value] : given) {
    const auto* text = std::get_if<std::string>(&value);
    const auto read = text && text->starts_with('[') ? parse_json(*text, 0, [](const JsonFault&) {}) : std::nullopt;
    if (read && std::any_of(read->items.begin(), read->items.end(), [](const JsonNode& item) { return item.kind != JsonNode::Kind::string; }))
      return Error{Error::Code::invalid, "executor." + name + ": a list of texts", "put each in quotes"};
  }
  return Done{};
}

const EngineEntry* engine_entry(const Spec& spec) {
  const auto all = engines();
  const auto found = std::find_if(all.begin(), all.end(), [&](const EngineEntry& e) { return e.info.name == spec.executor.type; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace

Result<Done> check_pool(const Spec& spec) {
  if (auto lists = check_lists(spec.executor.options); !lists) return lists;
  Hub::Settings hub{"", text_option(spec.executor.options, "listen"), list_option(spec.executor.options, "names")};
  const std::string where = hub.address.empty() ? "executor.names: " : "executor.listen: ";
  if (hub.address.empty()) hub.address = "127.0.0.1:0";
  if (const auto place = Hub::place(hub); !place) return Error{place.error().code, where + place.error().message, place.error().hint};
  if (auto suits = check_speculation(spec); !suits) return suits;
  if (const auto engine = engine_of(spec, ""); !engine) return engine.error();
  if (const auto allocator = engine_allocator(spec); !allocator) return allocator.error();
  return Done{};
}

Result<std::unique_ptr<Engine>> engine_of(const Spec& spec, const std::string& pool_folder) {
  const auto* entry = engine_entry(spec);
  if (!entry) return std::unique_ptr<Engine>{};
  return entry->make({spec.executor.options, pool_folder + "/agents"});
}

Duration start_timeout(const Spec& spec) { return duration_option(spec.executor.options, "start_timeout", Duration{1800}); }

Pool::Settings pool_settings(const Spec& spec, const std::string& folder) {
  const Params& given = spec.executor.options;
  Pool::Settings settings;
  settings.folder = std::filesystem::path(folder).parent_path();
  settings.listen = text_option(given, "listen");
  settings.names = list_option(given, "names");
  auto& times = settings.times;
  times.lease = duration_option(given, "lease", Duration{times.lease}).seconds;
  times.beat = std::min(times.beat, times.lease / 10);
  times.grace = spec.shutdown.grace.seconds;
  // To finish what one has without a word from anybody is to have a long lease.
  if (text_option(given, "on_lost") == "finish") times.lease = std::max(times.lease, duration_option(given, "finish_within", Duration{600}).seconds);
  settings.local = static_cast<int>(number_option(given, "agents", settings.listen.empty() ? 1 : 0));
  settings.offer = offer_of_this_machine(spec);
  return settings;
}

std::vector<std::string> agent_arguments(const AgentSpec& spec, const std::vector<std::string>& labels) {
  const auto& each = spec.per_agent;
  std::string slots = "cpu=" + to_text(each.cpus) + ",gpu=" + to_text(each.gpus);
  if (each.memory_bytes > 0) slots += ",memory=" + std::to_string(each.memory_bytes) + "B";
  for (const auto& [name, amount] : each.custom) slots += "," + name + "=" + to_text(amount);
  std::vector<std::string> all{"--slots", slots, "--patience", "5m"};
  if (spec.walltime.seconds > 0) all.insert(all.end(), {"--time", to_text(spec.walltime), "--margin", to_text(spec.margin)});
  for (const auto& label : labels) all.insert(all.end(), {"--label", label});
  return all;
}

ExecutorEntry pool() {
  return {{"pool", "Runs trials on agents: `tune agent` on any machine that reaches this one.", options(false)}, &PoolExecutor::make, &check_pool};
}

ExecutorEntry on_engine(const EngineEntry& engine) {
  ExecutorEntry entry{{engine.info.name, engine.info.help, options(true)}, &PoolExecutor::make, &check_pool};
  auto& all = entry.info.options;
  for (const auto& more : {allocation_options(), engine.info.options}) all.insert(all.end(), more.begin(), more.end());
  return entry;
}

}  // namespace tune
