// SPDX-License-Identifier: Apache-2.0
// The simulator as a config names it: its options, and what they make.
#include "executors/simulator.hpp"
#include "tuner/stragglers.hpp"

namespace tune {
namespace {

double number(const Params& options, std::string_view name) { return to_number(*options.find(name)).value_or(0); }

Result<std::unique_ptr<Executor>> make(const ExecutorContext& c) {
  const auto& options = c.spec.executor.options;
  const auto steps = static_cast<std::int64_t>(number(options, "steps"));
  auto problem = find_problem(std::get<std::string>(*options.find("from")), c.spec, steps);
  if (!problem) return Error{problem.error().code, "executor.from: " + problem.error().message, problem.error().hint};
  const auto simulated = simulator_options(options, c.spec.seed);
  return std::unique_ptr<Executor>(std::make_unique<Simulator>(c.spec, std::move(*problem), simulated));
}

Option at_least_0(std::string_view name, std::string_view fallback, std::string_view help) {
  return {name, Option::Kind::number, fallback, help, 0};
}
Option chance(std::string_view name, std::string_view help) { return {name, Option::Kind::number, "0", help, 0, 1}; }

}  // namespace

SimulatorOptions simulator_options(const Params& options, std::uint64_t seed) {
  const auto whole = [&](std::string_view name) { return static_cast<int>(number(options, name)); };
  SimulatorOptions o;
  o.workers = whole("workers");
  o.slots = whole("slots");
  o.step_seconds = number(options, "step_seconds");
  o.start_seconds = number(options, "start_seconds");
  o.save_seconds = number(options, "save_seconds");
  o.scaling = number(options, "scaling");
  o.spread = number(options, "spread");
  o.jitter = number(options, "jitter");
  o.noise = number(options, "noise");
  o.faults = {number(options, "crash"),     number(options, "lost"),       number(options, "late"),
              number(options, "hang"),      number(options, "preempt"),    number(options, "nan"),
              number(options, "duplicate"), number(options, "worker_loss")};
  o.silence_seconds = number(options, "silence_seconds");
  o.repair_seconds = number(options, "repair_seconds");
  o.seed = seed;
  return o;
}

ExecutorEntry simulator() {
  using Kind = Option::Kind;
  return {{"simulator",
           "Trials that are functions or rows of a table, in virtual time.",
           {{"from", Kind::text, "\"curve\"", "branin, rosenbrock, curve, pbt, or the path of a table task (.json)."},
            {"steps", Kind::integer, "0", "Steps of a trial of a built-in function; 0: its own number.", 0},
            {"workers", Kind::integer, "8", "Workers.", 1, 100'000},
            {"slots", Kind::integer, "1", "Trials that a worker holds at a time; of trials of several ranks, ranks.", 1, 100'000},
            speculate_option(),
            at_least_0("step_seconds", "1", "Virtual seconds of a step, where the problem does not say."),
            at_least_0("start_seconds", "0", "From launch to the start of a trial."),
            at_least_0("save_seconds", "0", "What a checkpoint is said to take."),
            {"scaling", Kind::number, "0", "A trial with n times the cpus of the config is n^scaling times as fast.", 0, 1},
            at_least_0("spread", "0", "Speeds of workers lie between 1 / (1 + spread) and 1 + spread."),
            at_least_0("jitter", "0", "Each step takes up to this share longer."),
            at_least_0("noise", "0", "Standard deviation of what is added to each value."),
            chance("crash", "An attempt ends with exit code 1."),
            chance("lost", "An attempt is lost without a trace."),
            chance("late", "An attempt is lost and a report of it arrives afterwards."),
            chance("hang", "An attempt says nothing more until silence_seconds are over."),
            chance("preempt", "An attempt has to leave; it saves if it can."),
            chance("nan", "A report's values are NaN."),
            chance("duplicate", "A report is delivered twice."),
            at_least_0("worker_loss", "0", "Expected losses of each worker in a virtual hour."),
            at_least_0("silence_seconds", "60", "After which a silent attempt is ended."),
            at_least_0("repair_seconds", "60", "Until a lost worker is back; 0: never.")}},
          make,
          &check_speculation};
}

}  // namespace tune
