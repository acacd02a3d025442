// SPDX-License-Identifier: Apache-2.0
#include "tuner/config_fields.hpp"

#include <algorithm>
#include <string>

namespace tune {
namespace {

constexpr std::string_view kMostBytes = "collection of checkpoints by size";
constexpr std::string_view kSearch = "search that learns";

constexpr Field kFields[] = {
    {"$schema", "text", "", "Where editors find the JSON Schema. Not read."},
    {"version", "1", "1", "Version of this format."},
    {"name", "text", "file name",
     "The experiment's name: letters, digits, `.`, `_` and `-`, at most 63. By default the file's stem, or the "
     "folder's name for config.json."},
    {"description", "text", "", "For people."},
    {"tags", "list of texts", "[]", "For finding the experiment again."},
    {"seed", "integer, at least 0", "0", "Seed of everything random: proposals, brackets, seeds of trials."},
    {"order", "word or object", "recorded",
     "In which order reports are learned: \"recorded\" as they arrive, or \"logical\" by virtual slots, so that the "
     "same seed gives the same trials whatever the timing. A word, or an object with `mode` and `slots`."},
    {"order.mode", "recorded, logical", "recorded", "See `order`."},
    {"order.slots", "integer, at least 1", "8", "Virtual slots of the logical order."},
    {"objective", "object", "", "The metric to make small or large. This or `objectives` is needed."},
    {"objective.metric", "text", "", "Name of the reported number."},
    {"objective.goal", "minimize, maximize", "minimize", "Which way is better."},
    {"objective.reduce", "last, best, mean_last_k", "last", "How a trial's reports become its value."},
    {"objective.k", "integer, at least 1", "", "How many reports `mean_last_k` takes."},
    {"objectives", "list of objects, at least 2", "", "Several goals at once; each like `objective`."},
    {"outcome_constraints", "object", "{}",
     "Bounds on reported metrics. A trial outside them is infeasible: it is kept and shown, and never best. One that ends "
     "without having reported such a metric has failed."},
    {"outcome_constraints.*", "object with min, max", "", "Bounds of one metric; at least one of `min` and `max`."},
    {"outcome_constraints.*.min", "number", "", "The metric must not be below."},
    {"outcome_constraints.*.max", "number", "", "The metric must not be above."},
    {"on_nan", "worst, stop, fail", "worst",
     "What a NaN or infinite objective means: the worst value (the trial goes on, and fails only if it never reports a "
     "finite one), the end of the trial, or its failure."},
    {"params", "object, not empty", "",
     "What is searched, by name. A value is a constant, a list is a choice, an object has a `type`. Dots in names nest "
     "in the params file."},
    {"params.*", "value, list or object", "", "One parameter."},
    {"params.*.type", "uniform, loguniform, int, logint, normal, lognormal, choice, ordinal, grid, bool, const", "",
     "What its values are and how they are drawn."},
    {"params.*.min", "number", "",
     "Smallest value. Bounds are values, never exponents. Needed except for normal and lognormal, where it cuts the "
     "distribution."},
    {"params.*.max", "number", "", "Largest value, included."},
    {"params.*.step", "number, above 0", "",
     "Only min + k * step (multiples of step for a normal without min). Whole for int and logint."},
    {"params.*.mu", "number", "", "Mean of a normal; of the natural logarithm for lognormal."},
    {"params.*.sigma", "number, above 0", "",
     "Standard deviation of a normal; of the natural logarithm for lognormal."},
    {"params.*.values", "list, not empty", "", "The values of a choice, ordinal (in order) or grid."},
    {"params.*.weights", "list of numbers, at least 0", "equal",
     "How often each value of a choice is drawn, relative to the others."},
    {"params.*.value", "value", "", "The value of a const."},
    {"params.*.when", "object", "",
     "Active only while every test on another parameter holds: a value, a list of values, or an object with gt, ge, "
     "lt, le, not. Inactive parameters are absent from the trial."},
    {"params.*.unit", "text", "", "Shown beside values."},
    {"params.*.doc", "text", "", "Shown where the parameter is explained."},
    {"params.*.default", "value", "", "A value to start from.", kSearch},
    {"params.*.prior", "object", "",
     "Where you expect good values. Searches that learn begin there and let data overrule it; what can be drawn stays the "
     "same. Not for const."},
    {"params.*.prior.at", "number", "", "Of a numeric parameter: the value you expect to be best."},
    {"params.*.prior.width", "number, above 0 and at most 10", "0.25",
     "How sure you are of `at`: a standard deviation, as a share of the whole range on the parameter's own scale."},
    {"params.*.prior.weights", "list of numbers, at least 0", "",
     "Of listed values, and of false and true: how promising each is, relative to the others."},
    {"constraints", "list of texts", "[]",
     "Expressions over parameters that every trial satisfies: \"tile_m * tile_n <= 65536\". One that mentions an "
     "inactive parameter is not judged."},
    {"points", "list of objects", "[]", "Trials to do first: a value for every active parameter that is no constant."},
    {"warm_start", "list of texts", "[]",
     "Experiments of the same store to learn from: they measured the same metric on the same scale. Read once, when this "
     "one is created; parameters are matched by name."},
    {"replicates", "object", "", "Run each configuration several times, every time with a seed of its own."},
    {"replicates.count", "integer, at least 1", "", "How often. Each run is a trial and counts for stop.trials."},
    {"replicates.reduce", "mean, median, worst", "mean",
     "What a configuration is worth: searches learn it, and the best is chosen by it."},
    {"instances", "list of texts, not empty", "",
     "What every trial is tried on, a step each: files, problems, folds. In an order drawn once from the seed, the same for all "
     "trials. With ${instance} in the command each is a run of the program; without it the program reads $TUNE_INSTANCES."},
    {"command", "list of texts", "",
     "The program and its arguments, one element each; no shell. Placeholders are filled in for each trial. This or "
     "`trainable` is needed to run trials."},
    {"trainable", "object", "", "A C++ function instead of a command."},
    {"trainable.name", "text", "", "The name it was registered with."},
    {"trainable.plugin", "text", "", "Shared library that registers it; a path from the config's folder."},
    {"trial", "object", "", "For trials that are several programs working together, their ranks. All of a trial run at once, or none."},
    {"trial.ranks", "integer, at least 1", "1", "Programs in one trial. Only the first one, rank 0, reports."},
    {"trial.per_rank", "object", "resources", "What each rank needs, as in `resources`. Instead of that."},
    {"trial.launch", "env, torchrun, mpirun, srun", "env",
     "Who starts the ranks: tune itself, with RANK, WORLD_SIZE, MASTER_ADDR and the like in their environment, or another launcher."},
    {"trial.spread", "pack, spread", "pack", "Ranks on as few workers as will do, or on as many as there are."},
    {"trial.across", "true or false", "false", "Ranks of one trial may be on agents of different allocations. They must reach one another."},
    {"cwd", "text", "the config's folder", "Where commands start; a path from the config's folder."},
    {"env", "object", "{}", "Environment variables for trials; null removes an inherited one."},
    {"env.*", "text or null", "", "Value of one variable."},
    {"env_inherit", "all, none, list", "all",
     "Which variables of tune's own environment trials see; \"list\": those in env_pass."},
    {"env_pass", "list of texts", "[]", "Variables passed on with env_inherit \"list\"."},
    {"inputs", "object", "{}",
     "Files and folders that trials read, by name: a path, or an object. Agents that do not see this disk get a copy, once. "
     "`${inputs.NAME}` and TUNE_INPUT_NAME say where it stands."},
    {"inputs.*", "text or object", "", "A path from the config's folder, or an object."},
    {"inputs.*.path", "text", "", "A path from the config's folder."},
    {"inputs.*.shared", "true or false", "false", "Every machine has it at that path: nothing is copied. An agent that has it not gets no trials."},
    {"code", "object", "", "The program's files, for agents that do not see this disk: commands start in their copy."},
    {"code.root", "text", "the config's folder", "The folder they are in; a path from the config's folder. A `cwd` in it becomes the same place of the copy."},
    {"code.include", "list of texts", "[\"**\"]",
     "Which files: patterns in which `*` is any text, `?` any character, and `**` any folders. A pattern that takes a folder takes all in it."},
    {"code.exclude", "list of texts", "[]", "Files that are left out. Names that begin with a dot, `__pycache__` and the store are left out always."},
    {"requires", "list of texts", "[]",
     "Labels that a worker must bear to get trials: \"NAME\" or \"NAME=VALUE\". Every machine bears `os`, `arch` and `host`; agents also what `tune agent --label` says."},
    {"report", "object", "{}", "How trials report."},
    {"report.channel", "auto, fd, socket, stdout, regex, result_file", "auto",
     "Where reports come from. \"auto\": every way that the trial uses, with regex and result_file if they are given."},
    {"report.step", "text", "step", "Name of the reported key that is the step."},
    {"report.dialect", "word", "", "Reports as other tools write them.", "dialects of other tools"},
    {"report.regex", "object", "{}", "Reads metrics from the output of a program that cannot be changed."},
    {"report.regex.*", "text", "", "Pattern (ECMAScript) for one metric; its first group is the number."},
    {"report.result_file", "text", "", "JSON file that the trial has written when it ends, from its folder."},
    {"report.max_line", "size", "64KiB", "Longer report lines are counted and left out."},
    {"search", "object", "auto", "How trials are chosen."},
    {"search.type", "auto or a search", "auto", "Which search. \"auto\" chooses by the kind of space."},
    {"scheduler", "object", "fifo", "Which trials are stopped, paused or go on."},
    {"scheduler.type", "auto or a scheduler", "auto", "Which scheduler. \"auto\" is asha if `max_step` says how long a trial is, else fifo."},
    {"scheduler.rules", "list of objects", "[]",
     "Stop rules beside the scheduler, each with its `type` and options. They are asked first, in this order."},
    {"scheduler.rules.type", "a rule", "", "Which rule: a scheduler that only ever stops trials."},
    {"scheduler.grow", "object", "",
     "Gives the trials that remain, when nothing new may start, more resources: each is paused and goes on from its checkpoint "
     "with twice as much, the best first."},
    {"scheduler.grow.max", "object", "", "At most so much for one trial. What is not named does not grow."},
    {"scheduler.grow.max.cpu", "number, above 0", "resources.cpu", "Cores."},
    {"scheduler.grow.max.gpu", "number, at least 0", "resources.gpu", "Devices; below 1 a share of one, above 1 whole."},
    {"scheduler.grow.max.memory", "size", "resources.memory", "Memory."},
    {"scheduler.grow.max.*", "number, at least 0", "", "A counted resource of your own."},
    {"scheduler.grow.every", "integer, at least 1", "1", "Only at steps that are multiples of it."},
    {"stop", "object", "{}", "When the experiment, or one trial, ends. Whatever comes first."},
    {"stop.trials", "integer, at least 1", "", "After so many trials."},
    {"stop.time", "duration", "", "After so much wall time, pauses between sessions not counted."},
    {"stop.target", "number or object", "",
     "When one trial reaches this value of the objective. Of several objectives: these values, by metric."},
    {"stop.max_failures", "integer, at least 0", "", "When more trials than this failed."},
    {"stop.plateau", "object", "", "When nothing gets better: no best value, or of several objectives no trial that the best so far do not beat."},
    {"stop.plateau.trials", "integer, at least 1", "", "For so many finished trials."},
    {"stop.plateau.min_delta", "number or object, at least 0", "0",
     "An improvement must be larger than this to count. Of several objectives: by metric."},
    {"stop.cost", "number, above 0", "", "When the trials together have cost so much, by the `cost` that they report. Trials under way are stopped."},
    {"stop.improvement", "object", "",
     "When improvement has become unlikely: three proposals in a row whose chance, by the search's model, is too small. "
     "For searches with a model and a single objective."},
    {"stop.improvement.min", "number, at least 0", "", "What counts as an improvement, in units of the objective."},
    {"stop.improvement.chance", "number, above 0 and at most 1", "0.05", "The chance that is too small."},
    {"stop.trial_time", "duration", "", "An attempt that takes longer is ended, cause `timeout`."},
    {"stop.trial_idle", "duration", "", "An attempt that is silent for longer is ended, cause `silence`."},
    {"resources", "object", "{\"cpu\": 1}",
     "What one trial needs; as many run at once as fit. Other names are counted resources."},
    {"resources.cpu", "number, above 0", "1", "Cores."},
    {"resources.gpu", "number, at least 0", "0", "Devices; below 1 a share of one, above 1 whole."},
    {"resources.memory", "size", "", "Memory; not counted if absent."},
    {"resources.*", "number, at least 0", "", "A counted resource of your own."},
    {"executor", "object", "process", "Where trials run."},
    {"executor.type", "auto or an executor", "auto",
     "Which executor. \"auto\" is process, or thread for a trainable. simulator tries a config in virtual time."},
    {"executor.parallel", "integer, at least 1", "what fits", "At most so many trials at once."},
    {"retry", "object", "{}",
     "What happens to a trial whose attempt failed. Attempts that ended through no fault of theirs are repeated "
     "anyway."},
    {"retry.max", "integer, at least 0", "0", "Attempts beyond the first."},
    {"retry.backoff", "duration", "1s", "Wait before the first retry; it doubles each time."},
    {"retry.on", "list of exit, signal, timeout, silence, oom, no-metric, nan", "[\"signal\", \"oom\"]",
     "Causes that are worth another attempt."},
    {"retry.memory_factor", "number, at least 1", "1", "Memory of the next attempt after `oom`, relative to the last."},
    {"checkpoint", "object", "",
     "Present: the trial can save and go on from what it saved. Needed by schedulers that pause."},
    {"checkpoint.keep", "integer, at least 1", "1", "The newest so many of each trial."},
    {"checkpoint.keep_best", "true or false", "true", "Also the one with the best value."},
    {"checkpoint.every", "integer, at least 1", "", "Ask for a checkpoint every so many steps."},
    {"checkpoint.store", "coordinator, shared:PATH", "coordinator",
     "Where checkpoints lie: beside the store, where agents that do not see it bring them, or in a folder that all machines see."},
    {"checkpoint.max_bytes", "size", "", "Bound of all checkpoints.", kMostBytes},
    {"shutdown", "object", "{}", "How trials are asked to end."},
    {"shutdown.grace", "duration", "10s", "Time to save and leave before they are killed."},
    {"shutdown.signal", "SIGTERM, SIGINT, SIGUSR1", "SIGTERM", "Sent to trials that do not speak the protocol."},
    {"store", "text", "tune.db where tune is started", "Database file; a path from the config's folder."},
    {"metrics", "object", "{}", "Prometheus metrics."},
    {"metrics.address", "text", "", "A listener that serves /metrics only: \"127.0.0.1:9090\"."},
    {"metrics.public", "true or false", "false", "Serve /metrics without a token."},
};

bool one_level_below(std::string_view field, std::string_view path) {
  if (path.empty()) return field.find('.') == std::string_view::npos;
  return field.size() > path.size() && field.starts_with(path) && field[path.size()] == '.' &&
         field.find('.', path.size() + 1) == std::string_view::npos;
}

}  // namespace

std::span<const Field> config_fields() { return kFields; }

const Field* find_field(std::string_view path) {
  const auto same = [&](std::string_view p) {
    const auto* found =
        std::find_if(std::begin(kFields), std::end(kFields), [&](const Field& f) { return f.path == p; });
    return found == std::end(kFields) ? nullptr : found;
  };
  if (const Field* f = same(path)) return f;
  // A name in the place of a `*`: params.opt.lr.min is params.*.min. Names may have dots, so the last word decides.
  for (const std::string_view base : {"params", "outcome_constraints", "env", "report.regex", "resources"}) {
    if (!path.starts_with(base) || path.size() <= base.size() || path[base.size()] != '.') continue;
    const auto last = path.substr(path.find_last_of('.') + 1);
    if (const auto prior = path.find(".prior."); base == "params" && prior != std::string_view::npos && prior > base.size())
      if (const Field* f = same("params.*" + std::string{path.substr(prior)})) return f;
    if (last.size() + base.size() + 1 < path.size())
      if (const Field* f = same(std::string{base} + ".*." + std::string{last})) return f;
    return same(std::string{base} + ".*");
  }
  if (path.starts_with("objectives.")) return same("objective." + std::string{path.substr(path.find_last_of('.') + 1)});
  return nullptr;
}

std::vector<const Field*> fields_of(std::string_view path) {
  std::vector<const Field*> out;
  for (const auto& f : kFields)
    if (one_level_below(f.path, path)) out.push_back(&f);
  return out;
}

}  // namespace tune
