// SPDX-License-Identifier: Apache-2.0
#include "ui/api/policies.hpp"

#include <algorithm>

#include "executors/all.hpp"
#include "executors/engines/engine_allocator.hpp"
#include "schedulers/all.hpp"
#include "schedulers/grow.hpp"
#include "schedulers/rules.hpp"
#include "search/all.hpp"
#include "tuner/config.hpp"

namespace tune {
namespace {

template <class Entry, class Context>
auto make(std::span<const Entry> table, const std::string& what, const std::string& name, const Context& context)
    -> decltype(table.front().make(context)) {
  const auto it = std::find_if(table.begin(), table.end(), [&](const Entry& e) { return e.info.name == name; });
  if (it == table.end()) return Error{Error::Code::invalid, "there is no " + what + " `" + name + "`", {}};
  return it->make(context);
}

std::vector<PolicyInfo> infos(const auto& table) {
  std::vector<PolicyInfo> all;
  for (const auto& entry : table) all.push_back(entry.info);
  return all;
}

Result<std::unique_ptr<Sampler>> make_sampler(const Spec& spec) {
  SamplerContext context{spec.space, spec.objectives, spec.seed, spec.search.options, spec.outcome_constraints, {}};
  if (spec.stop.trials) context.trials = *spec.stop.trials / spec.replicates.count;  // What a sampler sees are configurations.
  if (spec.stop.improvement) context.min_improvement = spec.stop.improvement->min;
  context.parallel = spec.parallel;
  return make(samplers(), "sampler", spec.search.type, context);
}

Result<std::unique_ptr<Scheduler>> make_scheduler(const Spec& spec) {
  auto scheduler = make(schedulers(), "scheduler", spec.scheduler.type, SchedulerContext{spec, spec.scheduler.options});
  if (!scheduler) return scheduler.error();
  auto ruled = with_rules(std::move(scheduler).value(), spec);
  if (!ruled) return ruled.error();
  return with_grow(std::move(ruled).value(), spec);
}

// Can it be made? Nothing is kept.
template <auto make_policy>
Result<Done> can_make(const Spec& spec) {
  const auto made = make_policy(spec);
  if (!made) return made.error();
  return Done{};
}

Result<Done> can_execute(const Spec& spec) {
  for (const auto& entry : executors())
    if (entry.info.name == spec.executor.type && entry.check) return entry.check(spec);
  return Done{};
}

}  // namespace

const Catalogue& catalogue() {
  static const Catalogue all{infos(samplers()), infos(schedulers()), infos(executors()), can_make<make_sampler>,
                             can_make<make_scheduler>, can_execute};
  return all;
}

Result<std::unique_ptr<Experiment>> make_experiment(const Spec& spec) {
  auto sampler = make_sampler(spec);
  if (!sampler) return sampler.error();
  auto scheduler = make_scheduler(spec);
  if (!scheduler) return scheduler.error();
  auto allocator = engine_allocator(spec);
  if (!allocator) return allocator.error();
  return std::make_unique<Experiment>(spec, std::move(sampler).value(), std::move(scheduler).value(), std::move(allocator).value());
}

Result<Spec> read_effective(const std::string& config, std::vector<std::string> sets) {
  auto read = read_config(config, {catalogue(), "the experiment's settings", "/", std::move(sets), false});
  if (read.spec) return std::move(*read.spec);
  return Error{Error::Code::invalid, read.diagnostics.empty() ? "the settings cannot be read" : read.diagnostics.front().message,
               read.diagnostics.empty() ? "" : read.diagnostics.front().hint};
}

Result<Deciders> make_deciders(const std::string& config) {
  auto spec = read_effective(config);
  if (!spec) return Error{Error::Code::corrupt, spec.error().message, spec.error().hint};
  Deciders made;
  made.spec = std::make_unique<const Spec>(std::move(spec).value());
  auto experiment = make_experiment(*made.spec);
  if (!experiment) return experiment.error();
  made.experiment = std::move(experiment).value();
  return made;
}

Result<std::unique_ptr<Executor>> make_executor(const ExecutorContext& context) {
  return make(executors(), "executor", context.spec.executor.type, context);
}

}  // namespace tune
