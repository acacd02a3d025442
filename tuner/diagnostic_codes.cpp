// SPDX-License-Identifier: Apache-2.0
// The long story of each code. A number is never given to another meaning.
#include "tuner/diagnostic.hpp"

namespace tune {
namespace {

constexpr Code kCodes[] = {
    {"E001", "the text is not JSON",
     "A config is JSON in which // and /* */ comments and a comma before a closing bracket are allowed. Strings and "
     "keys stand in double quotes. Nesting is at most 64 deep, the file at most 8 MiB. Reading stops at the first such "
     "error.",
     R"({"name": 'net'}     write {"name": "net"})"},
    {"E002", "a key is given twice",
     "Most JSON readers silently keep the last of two equal keys, so half of what was written would be lost. Keep one "
     "of them.",
     R"({"seed": 1, "seed": 2})"},
    {"E003", "unknown key",
     "Keys that nobody reads are mistakes, mostly of spelling. docs/config.md lists every key, `tune explain KEY` "
     "explains one. Top-level keys that begin with x- are yours.",
     R"("sheduler": {"type": "asha"}     write "scheduler")"},
    {"E004", "wrong type", "The key wants another type of value, such as a number where a text was given.",
     R"("seed": "7"     write "seed": 7)"},
    {"E005", "a key is missing", "An object lacks a key that it cannot do without.",
     R"({"type": "uniform", "min": 0}     add "max")"},
    {"E006", "out of range", "The number is of the right type but outside of what makes sense for the key.",
     R"("stop": {"trials": 0}     write at least 1)"},
    {"E007", "no such word", "The key takes one of a few words, and this is none of them. The message lists them.",
     R"("on_nan": "ignore"     there are worst, stop, fail)"},
    {"E008", "not a duration", "A duration is a text of numbers with units: ms, s, m, h, d, largest first by habit.",
     R"("time": "90"     write "90s" or "1h30m")"},
    {"E009", "not a size", "A size is a number with one unit: B, KiB, MiB, GiB, TiB, powers of 1024.",
     R"("memory": "2GB"     write "2GiB")"},
    {"E010", "not served by this version",
     "The key is known and reserved, but this version does not act on it. It is refused rather than ignored, so that "
     "nothing you rely on is silently missing.",
     R"("instances": ["a", "b"])"},
    {"E011", "empty", "A list, an object or a text is empty where that has no meaning.", R"("params": {})"},
    {"E012", "not a name",
     "An experiment's name is a letter or digit, then letters, digits, `.`, `_`, `-`, at most 63. A parameter's name "
     "is a letter or `_`, then letters, digits, `_`, `-`, at most 128; dots join words and nest in the params file. "
     "Names become folders, variables and columns, so the rule is strict.",
     R"("name": "../net")"},
    {"E013", "two settings exclude each other",
     "Only one of the two can be meant, or one needs the other. The message says which.",
     R"("command" and "trainable" in one config)"},
    {"E014", "not finite", "NaN and infinities are welcome as reported metrics and make no sense as settings.",
     R"("min": -Infinity)"},
    {"E015", "--set cannot be applied",
     "`--set key=value` wants a key as in the config, with dots between levels and numbers for places in lists, and a "
     "value in JSON or as plain text.",
     "--set stop.trials=100 --set params.lr.max=0.1"},
    {"E016", "not UTF-8", "Texts in a config are UTF-8.", "a file saved as Latin-1"},
    {"E020", "unknown type of parameter",
     "The types are uniform, loguniform, int, logint, normal, lognormal, choice, ordinal, grid, bool and const.",
     R"({"type": "float", "min": 0, "max": 1}     write "uniform")"},
    {"E021", "max is not greater than min",
     "Bounds are written as values, smallest first, and both can be drawn. A parameter with a single value is a "
     "constant: write the value alone.",
     R"({"type": "loguniform", "min": 0.1, "max": 0.001}     swap them)"},
    {"E022", "a log scale needs positive bounds",
     "loguniform, logint and lognormal spread values evenly over their logarithm, which does not exist at 0 and below. "
     "Bounds are values, never exponents: write 1e-5, not -5.",
     R"({"type": "loguniform", "min": 0, "max": 1}     write "min": 1e-6)"},
    {"E023", "step larger than the range",
     "Values are min, min + step, min + 2 * step, …; with such a step only min is left.",
     R"({"type": "uniform", "min": 0, "max": 1, "step": 2})"},
    {"E024", "weights do not fit",
     "A choice has one weight for each value, none negative, not all zero. They are relative: [3, 1] draws the first "
     "three times as often.",
     R"({"type": "choice", "values": ["a", "b"], "weights": [1]})"},
    {"E025", "a value is listed twice", "Values of a list are different. To draw one more often, use `weights`.",
     R"("size": [8, 16, 8])"},
    {"E026", "a prior does not fit its parameter",
     "The prior of a numeric parameter has `at`, a value of its range, and `width`; that of listed values and of bool has "
     "`weights`, one for each value, none negative, not all zero.",
     R"({"type": "uniform", "min": 0, "max": 1, "prior": {"at": 3}})"},
    {"E027", "whole numbers beyond 2^53",
     "Beyond 2^53 whole numbers are no longer exact in doubles, which search computes with and JSON readers of other "
     "languages use.",
     R"({"type": "int", "min": 0, "max": 1e18})"},
    {"E028", "nothing of the distribution is left",
     "`min` and `max` cut a normal or lognormal so far from `mu` that no value remains, or its values do not fit a "
     "double. `mu` and `sigma` of a lognormal are of the natural logarithm.",
     R"({"type": "normal", "mu": 0, "sigma": 1, "min": 50, "max": 60})"},
    {"E029", "two parameters cannot be told apart",
     "Programs see a parameter as TUNE_P_<NAME>, upper case with `_` for other characters, and nested by dots in the "
     "params file. Two parameters meet in one place.",
     R"("lr" and "LR", or "opt" and "opt.lr")"},
    {"E030", "a condition names no parameter", "`when` tests other parameters by their whole names.",
     R"("when": {"optimiser": "sgd"}     the parameter is "optimizer")"},
    {"E031", "conditions form a circle",
     "A parameter that is active depending on itself, through whatever others, has no meaning.",
     R"("a": {…, "when": {"b": true}}, "b": {…, "when": {"a": true}})"},
    {"E032", "a condition never holds",
     "The parent has no value that passes the test, so the parameter could never be active; or a listed value is none "
     "of the parent's.",
     R"("when": {"optimizer": "sdg"}     its values are "sgd", "adam")"},
    {"E033", "a constraint cannot be read",
     "Constraints are small expressions: + - * / % ^, comparisons, and, or, not, parentheses, min max abs floor ceil "
     "sqrt log exp, numbers, texts in quotes and parameters. Names with `-` stand in backquotes. The result is a yes "
     "or no.",
     R"("constraints": ["a < b < c"]     write "a < b and b < c")"},
    {"E034", "a constraint names no parameter",
     "Every name in a constraint is a parameter. For bounds on reported metrics use `outcome_constraints`.",
     R"("constraints": ["tile_x * unroll < 64"])"},
    {"E035", "a point is not in the space",
     "A point gives every active parameter (constants may be left out) a value that the space has, and satisfies the "
     "constraints.",
     R"("points": [{"lr": 5}]     where lr goes to 1)"},
    {"E036", "not an experiment to learn from",
     "`warm_start` names other experiments of the same store, each once. They are read when this one is created, and must "
     "have the same objectives.",
     R"({"name": "net", "warm_start": ["net"]})"},
    {"E040", "the space changed",
     "The experiment exists, and its old trials would have another meaning in the new space: a parameter came, went, "
     "changed its kind of value or its condition, or a constant changed. Ranges, steps and listed values may change. "
     "Start a new experiment with --resume=never, or give it another name.",
     R"("epochs": 81 became "epochs": 27)", false},
    {"E050", "unknown placeholder",
     "${…} in a command names a parameter or one of args, args:space, args:override, params_file, checkpoint, seed, "
     "trial.id, trial.number, trial.dir, trial.attempt, resources.cpu, resources.gpu_ids. Write $$ for a dollar sign.",
     R"("command": ["./p", "--lr=${rate}"])"},
    {"E051", "a placeholder is malformed",
     "A placeholder is ${name} or ${name?PREFIX}; `?` is for parameters and checkpoint.", R"("--lr=${lr")"},
    {"E052", "a placeholder must stand alone",
     "${args} stands for several arguments and ${name?PREFIX} for one or none, so they fill an element of the command. "
     "Text before the value goes behind the `?`.",
     R"("--lr=${lr?}"     write "${lr?--lr=}")"},
    {"E053", "a NUL character", "No argument and no environment variable can carry a NUL.",
     R"("command": ["./p", "a\u0000b"])"},
    {"E054", "nothing to execute",
     "Trials need `command` (any program) or `trainable` (a C++ function). Only `tune create` takes a config without, "
     "for trials that are driven from outside.",
     R"(add "command": ["./program", "${args}"])"},
    {"E060", "unknown search, scheduler or executor",
     "The message lists what there is; `tune explain scheduler.type` tells more.", R"("scheduler": {"type": "asah"})"},
    {"E062", "an option of another type",
     "The option belongs to another search, scheduler or executor than the one chosen.",
     R"("scheduler": {"type": "fifo", "eta": 3})"},
    {"E063", "no grid over a continuous space",
     "Search \"grid\" goes through all combinations, so every parameter needs finitely many values: a `step`, a list "
     "or whole numbers, and their product must be countable.",
     R"("search": {"type": "grid"} with {"type": "uniform", "min": 0, "max": 1})"},
    {"E064", "pausing needs checkpoints",
     "asha in mode \"promote\" and hyperband in mode \"sync\" pause trials and resume the best of them, from what they "
     "saved. Declare that the program can save with \"checkpoint\": {}, or use mode \"stop\" or \"async\".",
     R"("scheduler": {"type": "asha", "mode": "promote"} without "checkpoint")"},
    {"E065", "the logical order has no clock",
     "Order \"logical\" gives the same trials for the same seed whatever the timing, so it cannot end by wall time. "
     "Bound the number of trials.",
     R"("order": "logical", "stop": {"time": "1h"})"},
    {"E066", "the search cannot serve this experiment",
     "The search was asked and declined: some work on numeric parameters only, some for a single objective. The message has "
     "its reason and lists the searches that can.",
     R"("search": {"type": "cmaes"} with {"type": "choice", "values": ["a", "b"]})"},
    {"E067", "no model behind stop.improvement",
     "`stop.improvement` ends an experiment when the search's model holds an improvement for unlikely, so it needs a search "
     "that has one. `stop.plateau` serves every search.",
     R"("search": {"type": "random"}, "stop": {"improvement": {"min": 0.01}})"},
    {"E068", "the scheduler cannot run this experiment",
     "The scheduler was asked and declined: its options do not fit together, or not to the rest of the config. The message "
     "has its reason.",
     R"("scheduler": {"type": "hyperband"}     hyperband needs max_step)"},
    {"E069", "it cannot stand among the rules",
     "`scheduler.rules` takes schedulers that only ever stop trials, beside any other scheduler: each once, and not the one that "
     "is the scheduler already. A threshold may stand there for each metric. `tune explain scheduler.rules` lists them.",
     R"("scheduler": {"type": "fifo", "rules": [{"type": "asha"}]})"},
    {"E070", "a pattern cannot be read",
     "Patterns of report.regex are ECMAScript regular expressions of at most 1000 characters with exactly one group, "
     "around the number. A group for other purposes is written (?:…).",
     R"x("regex": {"loss": "loss=[0-9.]+"}     write "loss=([0-9.]+)")x"},
    {"E071", "a channel lacks its setting",
     "Channel regex needs `report.regex`, channel result_file needs `report.result_file`.",
     R"("report": {"channel": "regex"})"},
    {"E072", "bounds of an outcome constraint", "`max` must not be less than `min`.",
     R"("latency_ms": {"min": 20, "max": 10})"},
    {"E073", "a metric is two objectives", "Each objective is another metric.",
     R"("objectives": [{"metric": "loss"}, {"metric": "loss"}])"},
    {"E074", "not a variable's name", "Names of environment variables are not empty and have no `=`.",
     R"("env": {"A=B": "1"})"},
    {"E075", "the executor cannot run this experiment",
     "The executor was asked and declined: an option that it needs is missing, or one is nothing that it could use. The message "
     "has its reason.",
     R"("executor": {"type": "kubernetes"}     kubernetes needs image)"},
    {"E076", "not a label",
     "A label is NAME or NAME=VALUE: the name of letters, digits, `.`, `_`, `-` and `/`, at most 63; the value of printable ASCII "
     "without blanks and commas, at most 255 and not empty.",
     R"("requires": ["gpu = a100"]     write "gpu=a100")"},
    {"E077", "not a pattern",
     "A pattern is a path below `code.root` in which `*` is any text, `?` any character, and the piece `**` any number of folders. It leads "
     "nowhere else: it does not begin with a slash, and no piece of it is `.` or `..`.",
     R"("include": ["../lib/*.py"]     make "root": "..", and include "lib/*.py")"},
    {"E078", "a result file in a copy",
     "With `code` commands start in a copy of the program that agents share and nobody may write to, and `report.result_file` is "
     "written where the command starts.",
     R"("report": {"result_file": "result.json"}     report on standard output, or by $TUNE_FD)"},
    {"W010", "a parameter is never used",
     "The command mentions some parameters by name but not this one, so its value would make no difference. Programs "
     "that read TUNE_PARAMS or TUNE_P_… themselves are not seen.",
     R"("command": ["./p", "--a=${a}"] with parameters a and b)"},
    {"W011", "a constraint rejects nearly everything",
     "Fewer than 1 in 100 random trials satisfy the constraint. Proposals are drawn until one does, which takes long "
     "and leaves little to learn.",
     R"("constraints": ["a + b == 17"])"},
    {"W012", "a value inside a script's text",
     "The shell would read the value as part of the script: a value with a quote or `;` changes what is executed. Use "
     "the variable TUNE_P_<NAME> in double quotes, or pass the value as an argument.",
     R"(["bash", "-c", "train --opt ${opt}"]     write "train --opt \"$TUNE_P_OPT\"")"},
    {"W013", "a conditional parameter may be absent",
     "Where the parameter is not active, ${name} is empty and the program gets an argument without a value. "
     "${name?--name=} leaves the argument out.",
     R"("--momentum=${momentum}")"},
    {"W014", "a parameter hides a built-in",
     "The parameter has the name of a built-in placeholder, so ${name} is the parameter's value. The built-in is still "
     "in the environment, as TUNE_SEED for example.",
     R"("params": {"seed": [1, 2, 3]} with "${seed}")"},
    {"W015", "only one rung", "Between min_step and max_step lies no further rung, so every trial does all its steps.",
     R"({"type": "asha", "min_step": 10, "max_step": 20, "eta": 3})"},
    {"W016", "no end",
     "The space is infinite and nothing in `stop` is sure to happen; the experiment goes on until it is stopped by "
     "hand.",
     R"(add "stop": {"trials": 100})"},
    {"W017", "step does not divide the range", "Values are min + k * step, so `max` itself is never reached.",
     R"({"type": "uniform", "min": 0, "max": 1, "step": 0.3}     the largest value is 0.9)"},
};

}  // namespace

std::span<const Code> all_codes() { return kCodes; }

}  // namespace tune
