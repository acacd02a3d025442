// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/pool_options.hpp"

#include <algorithm>
#include <filesystem>

#include "executors/engines/engine_allocator.hpp"
#include "executors/pool/pool_executor.hpp"
#include "executors/process/environment.hpp"
#include "tuner/options.hpp"
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
      {"finish_within", Kind::duration, "\"10m\"", "With on_lost finish: its trials are given away after so long."}};
  if (!engine)
    all.push_back({"agents", Kind::integer, "", "Agents to start on this machine, which share what it has. 1 if not given; with `listen` 0.", 0, 256});
  return all;
}

}  // namespace

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

std::vector<std::string> agent_arguments(const AgentSpec& spec) {
  const auto& each = spec.per_agent;
  std::string slots = "cpu=" + to_text(each.cpus) + ",gpu=" + to_text(each.gpus);
  if (each.memory_bytes > 0) slots += ",memory=" + std::to_string(each.memory_bytes) + "B";
  for (const auto& [name, amount] : each.custom) slots += "," + name + "=" + to_text(amount);
  std::vector<std::string> all{"--slots", slots, "--patience", "5m"};
  if (spec.walltime.seconds > 0) all.insert(all.end(), {"--time", to_text(spec.walltime), "--margin", to_text(spec.margin)});
  return all;
}

ExecutorEntry pool() {
  return {{"pool", "Runs trials on agents: `tune agent` on any machine that reaches this one.", options(false)}, &PoolExecutor::make};
}

ExecutorEntry on_engine(const EngineEntry& engine) {
  ExecutorEntry entry{{engine.info.name, engine.info.help, options(true)}, &PoolExecutor::make};
  auto& all = entry.info.options;
  for (const auto& more : {allocation_options(), engine.info.options}) all.insert(all.end(), more.begin(), more.end());
  return entry;
}

}  // namespace tune
