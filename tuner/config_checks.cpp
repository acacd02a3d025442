// SPDX-License-Identifier: Apache-2.0
// What only shows when several keys are seen together.
#include <algorithm>
#include <cmath>

#include "tuner/command.hpp"
#include "tuner/config_parts.hpp"
#include "tuner/expression.hpp"
#include "tuner/instances.hpp"
#include "tuner/rng.hpp"

namespace tune::detail {
namespace {

class Checks {
 public:
  Checks(Findings& findings, const Spec& spec, const Places& places, const Catalogue& catalogue)
      : findings_(findings), spec_(spec), places_(places), catalogue_(catalogue) {}

  void all() {
    command();
    constraints();
    search();
    scheduler();
    ranks();
    ends();
    supplies();
    served();
    executable();
  }

 private:
  // The place of bytes of a command's element; of the whole element where escapes moved them.
  Span within(std::size_t element, std::size_t begin, std::size_t end) const {
    if (element >= places_.command.size()) return places_.at("command");
    const Span span = places_.command[element];
    const bool plain = span.end - span.begin == spec_.command[element].size() + 2;
    return plain ? Span{span.source, span.begin + 1 + begin, span.begin + 1 + end} : span;
  }

  void command() {
    if (spec_.command.empty()) return;
    using Kind = Command::Fault::Kind;
    const auto faults = Command::check(spec_.command, spec_.space, spec_.inputs);
    for (const auto& f : faults) {
      const char* code = f.kind == Kind::unknown     ? "E050"
                         : f.kind == Kind::malformed ? "E051"
                         : f.kind == Kind::not_alone ? "E052"
                         : f.kind == Kind::nul       ? "E053"
                         : f.kind == Kind::empty     ? "E011"
                                                     : "E010";
      findings_.add(code, within(f.element, f.begin, f.end), f.message, f.hint);
    }
    if (!faults.empty()) return;
    const auto parsed = Command::parse(spec_.command, spec_.space, spec_.inputs);
    instance();
    script();
    unused(*parsed);
    conditional();
    hidden();
  }

  // Names of placeholders in an element, with their places: "${name", up to } or ?.
  template <class F>
  void placeholders(std::size_t element, F each) const {
    const std::string_view text = spec_.command[element];
    for (std::size_t at = 0; (at = text.find('$', at)) != std::string_view::npos;) {
      if (at + 1 < text.size() && text[at + 1] == '{') {
        const auto end = text.find('}', at);
        const auto inside = text.substr(at + 2, end - at - 2);
        each(inside.substr(0, inside.find('?')), inside.find('?') != std::string_view::npos,
             within(element, at, end + 1));
        at = end + 1;
      } else {
        at += at + 1 < text.size() && text[at + 1] == '$' ? 2 : 1;
      }
    }
  }

  void instance() {
    if (!spec_.instances.empty() || spec_.space.find("instance")) return;
    for (std::size_t i = 0; i < spec_.command.size(); ++i)
      placeholders(i, [&](std::string_view p, bool, Span span) {
        if (p == "instance")
          findings_.add("E050", span, "`${instance}` needs `instances`: what trials are tried on", "\"instances\": [\"a.cnf\", \"b.cnf\"]");
      });
  }

  void script() {
    const auto& argv = spec_.command;
    for (std::size_t i = 0; i + 2 < argv.size(); ++i) {
      const auto name = std::string_view{argv[i]}.substr(argv[i].find_last_of('/') + 1);
      const bool shell = name == "sh" || name == "bash" || name == "dash" || name == "zsh" || name == "ksh";
      if (!shell || !argv[i + 1].starts_with('-') || !argv[i + 1].ends_with('c')) continue;
      placeholders(i + 2, [&](std::string_view p, bool, Span span) {
        if (spec_.space.find(p))
          findings_.add("W012", span,
                        "${" + std::string{p} + "} is inside the script text of `" + std::string{name} +
                            " -c`; a value could change the script",
                        "use \"$" + environment_name(p) + "\" inside the script, or pass ${" + std::string{p} +
                            "} as its own argument");
      });
    }
  }

  // Only where the command names some parameters: a program that is given none reads its environment or the file.
  void unused(const Command& parsed) {
    const auto named = parsed.parameters();
    if (named.empty() || parsed.passes_all()) return;
    for (const auto& d : spec_.space.dimensions()) {
      const auto variable = environment_name(d.name);
      const bool in_script = std::any_of(spec_.command.begin(), spec_.command.end(), [&](const std::string& e) {
        return e.find(variable) != std::string::npos || e.find("TUNE_PARAMS") != std::string::npos;
      });
      const bool decides =
          std::any_of(spec_.space.dimensions().begin(), spec_.space.dimensions().end(), [&](const Dimension& other) {
            return std::any_of(other.when.begin(), other.when.end(), [&](const Test& t) { return t.parent == d.name; });
          });
      if (in_script || decides || std::binary_search(named.begin(), named.end(), d.name)) continue;
      findings_.add("W010", places_.params.at(d.name), "the command never mentions " + shown(d.name),
                    "add \"--" + d.name + "=${" + d.name + "}\", or \"${args}\" for all of them");
    }
  }

  void conditional() {
    for (std::size_t i = 0; i < spec_.command.size(); ++i)
      placeholders(i, [&](std::string_view p, bool optional, Span span) {
        const auto* d = spec_.space.find(p);
        if (d && !d->when.empty() && !optional)
          findings_.add("W013", span,
                        "${" + std::string{p} + "} is empty in trials where " + shown(p) + " is not active",
                        "\"${" + std::string{p} + "?--" + std::string{p} + "=}\" leaves the whole argument out");
      });
  }

  void hidden() {
    static constexpr std::string_view built_in[] = {"args",          "params_file",      "instance",        "checkpoint", "seed",
                                                    "trial.id",      "trial.number",     "trial.dir",  "trial.attempt",
                                                    "resources.cpu", "resources.gpu_ids"};
    for (std::size_t i = 0; i < spec_.command.size(); ++i)
      placeholders(i, [&](std::string_view p, bool, Span span) {
        if (spec_.space.find(p) && std::find(std::begin(built_in), std::end(built_in), p) != std::end(built_in))
          findings_.add("W014", span,
                        "${" + std::string{p} + "} is the parameter here, which hides the built-in of that name");
      });
  }

  void constraints() {
    const auto& texts = spec_.space.constraints();
    if (texts.empty()) return;
    constexpr int kDraws = 10'000;
    std::vector<Expression> all;
    for (const auto& t : texts) all.push_back(*Expression::parse(t));
    std::vector<int> held(texts.size());
    std::vector<double> unit(spec_.space.size());
    Rng rng{spec_.seed, Purpose::propose, 0};
    for (int i = 0; i < kDraws; ++i) {
      for (auto& u : unit) u = rng.uniform();
      const auto params = spec_.space.decode(unit);
      for (std::size_t c = 0; c < all.size(); ++c) held[c] += all[c].evaluate(params).value_or(true);
    }
    for (std::size_t c = 0; c < all.size(); ++c)
      if (held[c] * 100 < kDraws)
        findings_.add("W011", places_.constraints[c],
                      "this constraint held for " + std::to_string(held[c]) +
                          " of 10,000 random trials; search will waste its time",
                      "narrow the ranges so that most trials satisfy it");
  }

  // Searches that hold for `test`, in the order of the table: "auto, gp".
  template <class F>
  std::string searches(F test) const {
    std::string out;
    for (const auto& p : catalogue_.samplers)
      if (test(p)) out += (out.empty() ? "" : ", ") + std::string{p.name};
    return out;
  }

  // The search is asked itself: it knows best what it cannot do.
  void served() {
    if (findings_.has_errors() || !catalogue_.serves) return;
    const auto answer = catalogue_.serves(spec_);
    if (answer) return;
    const auto able = searches([&](const PolicyInfo& p) {
      Spec other = spec_;
      auto options = complete_options(p, {});
      if (!options) return false;
      other.search = {std::string{p.name}, std::move(options).value()};
      return catalogue_.serves(other).has_value();
    });
    findings_.add("E066", places_.at(places_.keys.contains("search.type") ? "search.type" : "search"),
                  "search \"" + spec_.search.type + "\" cannot serve this experiment: " + answer.error().message,
                  able.empty() ? "no search can" : "these can: " + able);
  }

  void search() {
    // `points` spaces values over what is continuous.
    if (spec_.search.type != "grid" || spec_.search.options.contains("points") || spec_.space.cardinality()) return;
    for (const auto& d : spec_.space.dimensions())
      if (!d.cardinality()) {
        findings_.add("E063", places_.params.at(d.name),
                      "search \"grid\" needs a finite space, and " + shown(d.name) + " is continuous",
                      "give it a `step` or `values`, or set search.points");
        return;
      }
    findings_.add("E063", places_.at("search"), "the grid is too large to count",
                  "use another search, or larger steps");
  }

  std::optional<double> option(const char* name) const {
    const Value* v = spec_.scheduler.options.find(name);
    return v ? to_number(*v) : std::nullopt;
  }

  void scheduler() {
    const Value* mode = spec_.scheduler.options.find("mode");
    const auto pauses = [&](const char* type, const char* text) {
      return spec_.scheduler.type == type && mode && *mode == Value{std::string{text}};
    };
    const bool asha = pauses("asha", "promote");
    // Between two instances nothing runs that would have to be saved.
    if ((asha || pauses("hyperband", "sync")) && !spec_.checkpoint && !launches_by_instance(spec_))
      findings_.add("E064", places_.at(places_.keys.contains("scheduler.mode") ? "scheduler.mode" : "scheduler"),
                    spec_.scheduler.type + " with \"mode\": " + (asha ? "\"promote\"" : "\"sync\"") +
                        " pauses trials, so they must be able to save",
                    std::string{"add \"checkpoint\": {}, or use \"mode\": "} + (asha ? "\"stop\"" : "\"async\""));
    grow();
    const auto min = option("min_step"), max = option("max_step"), eta = option("eta");
    if (min && max && *min > *max)
      findings_.add("E006", places_.at("scheduler"), "`min_step` must not be above `max_step`");
    else if (min && max && *min < *max && eta && *eta > 1 && *min * *eta > *max)
      findings_.add("W015", places_.at("scheduler"),
                    "no rung lies between `min_step` and `max_step`: nothing will be stopped early",
                    "make `min_step` at most max_step / eta");
    schedulable();
  }

  void grow() {
    if (!spec_.grow) return;
    const Span place = places_.at("scheduler.grow");
    const Resources &has = spec_.resources, &most = spec_.grow->max;
    if (!spec_.checkpoint && !launches_by_instance(spec_))
      findings_.add("E064", place, "`grow` pauses trials to give them more, so they must be able to save", "add \"checkpoint\": {}");
    if (spec_.logical_order)
      findings_.add("E013", place, "`grow` follows the workers, which the logical order never looks at");
    if (spec_.replicates.count > 1) findings_.add("E013", place, "`grow` and `replicates` exclude each other");
    const bool less = most.cpus < has.cpus || most.gpus < has.gpus || most.memory_bytes < has.memory_bytes;
    if (less || std::any_of(most.custom.begin(), most.custom.end(), [&](const auto& r) {
          const auto own = has.custom.find(r.first);
          return own != has.custom.end() && r.second < own->second;
        }))
      findings_.add("E006", place, "`max` must be at least what `resources` gives a trial");
    else if (most == has)
      findings_.add("E006", place, "`max` is what `resources` gives a trial already", "\"grow\": {\"max\": {\"cpu\": 8}}");
    else if ((most.gpus > 0 && has.gpus == 0) || (most.memory_bytes > 0 && has.memory_bytes == 0) || most.custom.size() > has.custom.size())
      findings_.add("E006", place, "`max` names what `resources` gives a trial nothing of, which cannot be doubled");
  }

  void ranks() {
    if (spec_.gang.ranks == 1) return;
    const Span place = places_.at("trial");
    if (spec_.command.empty() && !spec_.trainable.empty())
      findings_.add("E013", place, "a trainable is one function in this process: several ranks need a `command`");
    if (spec_.grow) findings_.add("E013", places_.at("scheduler.grow"), "`grow` and `trial.ranks` exclude each other");
  }

  // The scheduler is asked itself, as the search is.
  void schedulable() {
    if (findings_.has_errors() || !catalogue_.schedules) return;
    const auto answer = catalogue_.schedules(spec_);
    if (answer) return;
    const bool of_rule = answer.error().message.starts_with("scheduler.rules.");
    declined("E068", "scheduler", of_rule ? "a rule" : "scheduler \"" + spec_.scheduler.type + "\"", answer.error());
  }

  // And so is the executor.
  void executable() {
    if (findings_.has_errors() || !catalogue_.executes) return;
    const auto answer = catalogue_.executes(spec_);
    if (!answer) declined("E075", "executor", "executor \"" + spec_.executor.type + "\"", answer.error());
  }

  // At the option that the message begins with, or at what it is an option of.
  void declined(const char* code, const char* section, const std::string& who, const Error& error) {
    auto key = error.message.substr(0, error.message.find_first_of(": "));
    while (!places_.keys.contains(key) && key.find('.') != std::string::npos) key.resize(key.rfind('.'));
    findings_.add(code, places_.at(places_.keys.contains(key) ? key : section), who + " cannot run this experiment: " + error.message, error.hint);
  }

  void supplies() {
    for (const auto* key : {"inputs", "code"})
      if (!spec_.trainable.empty() && places_.keys.contains(key))
        findings_.add("E013", places_.at(key), "`" + std::string{key} + "` is for commands, and this config has a trainable");
    const auto& file = spec_.report.result_file;
    if (spec_.code && !file.empty() && !file.starts_with('/') && spec_.code->place_of(spec_.cwd))
      findings_.add("E078", places_.at("report.result_file"), "`report.result_file` is written where the command starts, and with `code` that is a copy that nobody may write to",
                    "report on standard output, or by $TUNE_FD");
  }

  void ends() {
    const auto& stop = spec_.stop;
    if (stop.trials && *stop.trials < spec_.replicates.count)
      findings_.add("E013", places_.at("stop.trials"),
                    "`stop.trials` allows no configuration its " + std::to_string(spec_.replicates.count) + " replicates",
                    "replicates count as trials");
    if (spec_.logical_order && stop.time)
      findings_.add("E065", places_.at("stop.time"),
                    "`stop.time` depends on the clock, which the logical order never looks at",
                    "bound the trials: \"stop\": {\"trials\": 100}");
    if (spec_.objectives.size() > 1 && stop.improvement)
      findings_.add("E013", places_.at("stop.improvement"), "`improvement` needs a single objective");
    const auto predicts = [](const PolicyInfo& p) { return p.predicts; };
    const auto search = std::find_if(catalogue_.samplers.begin(), catalogue_.samplers.end(),
                                     [&](const PolicyInfo& p) { return p.name == spec_.search.type; });
    if (stop.improvement && search != catalogue_.samplers.end() && !search->predicts)
      findings_.add("E067", places_.at("stop.improvement"),
                    "search \"" + spec_.search.type + "\" has no model that could say how likely an improvement is",
                    "these have: " + searches(predicts) + "; or use stop.plateau");
    if (!findings_.has_errors() && !stop.trials && !stop.time && !stop.cost && !stop.plateau && spec_.search.type != "grid" &&
        !spec_.space.cardinality())
      findings_.add("W016", places_.at("stop"),
                    !stop.target.empty() ? "only `target` ends this experiment, and it may never be reached"
                                : "nothing ends this experiment",
                    "\"stop\": {\"trials\": 100}");
  }

  Findings& findings_;
  const Spec& spec_;
  const Places& places_;
  const Catalogue& catalogue_;
};

}  // namespace

void check_whole(Findings& findings, const Spec& spec, const Places& places, const Catalogue& catalogue) {
  Checks{findings, spec, places, catalogue}.all();
}

}  // namespace tune::detail
