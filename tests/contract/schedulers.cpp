// SPDX-License-Identifier: Apache-2.0
// What every scheduler in the table promises, seen through whole experiments. A new one is tested here without a line
// written.
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdlib>
#include <map>

#include "support/world.hpp"

using namespace tune;
using namespace tune::test;

namespace {

// In mixed_space().
constexpr const char* kSchedule =
    R"([{"step": 0, "params": {"lr": 0.01, "width": 64, "dropout": 0.1, "optimizer": "adam"}},
        {"step": 5, "params": {"lr": 0.02, "width": 64, "dropout": 0.1, "optimizer": "sgd", "momentum": 0.9}},
        {"step": 12, "params": {"lr": 0.001, "width": 32, "dropout": 0.0, "optimizer": "adam"}}])";

// What an experiment is scheduled by.
struct Configuration {
  PolicySpec scheduler;
  std::vector<PolicySpec> rules = {};
};

// Every scheduler, those with modes in each of them; and some of those that pause, or copy, with rules beside them.
std::vector<Configuration> all_schedulers() {
  std::vector<Configuration> all;
  for (const auto& entry : schedulers()) {
    Params options;
    for (const auto& o : entry.info.options)
      if (o.name == "max_step")
        options.set("max_step", std::int64_t{20});
      else if (o.name == "interval")
        options.set("interval", std::int64_t{4});
      else if (o.name == "schedule")
        options.set("schedule", std::string{kSchedule});
      else if (o.name == "max" && entry.info.rule)
        options.set("max", 1.5);
    const auto mode = std::find_if(entry.info.options.begin(), entry.info.options.end(),
                                   [](const Option& o) { return o.name == "mode"; });
    if (mode == entry.info.options.end())
      all.push_back({{std::string{entry.info.name}, options}});
    else
      for (const auto& choice : mode->choices) {
        options.set("mode", std::string{choice});
        all.push_back({{std::string{entry.info.name}, options}});
      }
  }
  all.push_back({{"asha", {{"mode", std::string{"promote"}}, {"max_step", std::string{"auto"}}}}});

  const std::vector<PolicySpec> rules = {{"patience", {{"steps", std::int64_t{2}}, {"min_delta", 0.05}}},
                                         {"percentile", {{"percentile", 40.0}, {"min_trials", std::int64_t{2}}}}};
  all.push_back({{"asha", {{"mode", std::string{"promote"}}, {"max_step", std::int64_t{20}}}}, rules});
  all.push_back({{"hyperband", {{"mode", std::string{"sync"}}, {"max_step", std::int64_t{20}}}}, rules});
  for (const char* mode : {"async", "sync"})
    all.push_back({{"pbt", {{"mode", std::string{mode}}, {"interval", std::int64_t{4}}, {"max_step", std::int64_t{20}}}}, rules});
  return all;
}

Spec spec_with(const Configuration& configuration) {
  Spec spec = simulated_spec(mixed_space());
  spec.scheduler = configuration.scheduler;
  spec.rules = configuration.rules;
  if (spec.scheduler.options.contains("interval")) spec.checkpoint->every = 4;
  spec.stop.trials = 40;
  return spec;
}

std::string name(const Configuration& c) {
  std::string out = c.scheduler.type;
  if (const auto* mode = c.scheduler.options.find("mode")) out += " " + to_text(*mode);
  return out + (c.rules.empty() ? "" : " with rules");
}

}  // namespace

TEST_CASE("every scheduler brings an experiment to its end, with one worker and with a thousand", "[contract]") {
  for (const auto& configuration : all_schedulers())
    for (const int workers : {1, 1000}) {
      INFO(name(configuration) << " with " << workers);
      SimulatorOptions options;
      options.workers = workers;
      World world{spec_with(configuration), options};
      REQUIRE(world.run());
      REQUIRE(world.wrong() == "");
    }
}

TEST_CASE("every scheduler survives failed trials, NaN and ties", "[contract]") {
  for (const auto& configuration : all_schedulers()) {
    INFO(name(configuration));
    Spec spec = spec_with(configuration);
    if (!spec.scheduler.options.contains("schedule")) spec.space = small_finite_space();  // Few different values: many ties.
    spec.stop.trials = 21;
    SimulatorOptions options;
    options.faults.crash = 0.2;
    options.faults.nan = 0.2;
    World world{spec, options};
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");
  }
}

TEST_CASE("every scheduler decides the same from the same facts", "[contract]") {
  for (const auto& configuration : all_schedulers()) {
    INFO(name(configuration));
    SimulatorOptions options;
    options.jitter = 0.3;
    options.faults.lost = 0.1;
    World world{spec_with(configuration), options};
    REQUIRE(world.run());
    // Decides each recorded decision again, from a fold of the records before it.
    const auto& sampler = sampler_entry("random");
    Experiment again{world.spec, sampler.make({world.spec.space, world.spec.objectives, world.spec.seed, {}}).value(),
                     make_scheduler(world.spec).value()};
    for (const auto& r : world.store.records()) {
      const auto decides = [&](const PolicySpec& policy) { return r.decided()->reason.by == policy.type; };
      const auto& rules = world.spec.rules;
      if (const auto* d = r.decided(); d && (decides(world.spec.scheduler) || std::any_of(rules.begin(), rules.end(), decides))) {
        const auto next = again.next();
        REQUIRE(next);
        REQUIRE(*next == *d);
      }
      again.apply(r);
    }
  }
}

TEST_CASE("every crossing of a rung is answered once, and says why", "[contract]") {
  for (const auto& configuration : all_schedulers()) {
    INFO(name(configuration));
    World world{spec_with(configuration), {}};
    REQUIRE(world.run());
    REQUIRE(world.wrong() == "");  // Among others that no crossing has two decisions.
    for (const auto& r : world.store.records()) {
      const auto check = [&](const std::optional<Rung>& rung) {
        if (!rung) return;
        REQUIRE(rung->rank >= 1);
        REQUIRE(rung->rank <= rung->of);
        REQUIRE_FALSE(r.decided()->reason.why.empty());
      };
      if (const auto* e = r.as<Extend>()) check(e->rung);
      if (const auto* p = r.as<Pause>()) check(p->rung);
      if (const auto* s = r.as<Stop>()) check(s->rung);
    }
  }
}

TEST_CASE("whatever record the process is killed after, every scheduler goes on and answers each crossing once", "[contract]") {
  const char* const some = std::getenv("TUNE_KILLS_APART");  // Every one takes minutes under sanitizers.
  const Seq apart = some ? std::atoll(some) : 1;
  for (const auto& configuration : all_schedulers()) {
    Spec spec = spec_with(configuration);
    spec.stop.trials = 12;
    SimulatorOptions options;
    options.workers = 4;
    options.faults.crash = 0.05;
    World undisturbed{spec, options};
    REQUIRE(undisturbed.run());
    const Seq records = undisturbed.store.durable();
    for (Seq kill = 3; kill < records; kill += apart) {
      World world{spec, options};
      world.run(kill);
      INFO(name(configuration) << " killed after record " << kill);
      REQUIRE(world.run());
      REQUIRE(world.wrong() == "");
    }
  }
}
