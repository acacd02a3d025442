// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/check.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "tuner/command.hpp"
#include "tuner/config_fields.hpp"
#include "tuner/instances.hpp"
#include "tuner/nearest.hpp"
#include "tuner/rng.hpp"
#include "tuner/units.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

std::string plural(std::uint64_t n, std::string_view word) {
  return std::to_string(n) + " " + std::string{word} + (n == 1 ? "" : "s");
}

std::string grouped(std::uint64_t n) {
  auto out = std::to_string(n);
  for (auto at = static_cast<std::ptrdiff_t>(out.size()) - 3; at > 0; at -= 3)
    out.insert(static_cast<std::size_t>(at), ",");
  return out;
}

std::string space_text(const Space& space) {
  std::uint64_t searched = 0, conditional = 0;
  for (const auto& d : space.dimensions()) {
    searched += d.kind != Dimension::Kind::constant;
    conditional += !d.when.empty();
  }
  std::string out = plural(searched, "parameter");
  if (const auto constants = space.size() - searched) out += " and " + plural(constants, "constant");
  if (conditional) out += ", " + std::to_string(conditional) + " conditional";
  const auto n = space.cardinality();
  out += n ? ", " + grouped(*n) + (*n == 1 ? " configuration" : " configurations") : ", infinitely many configurations";
  if (!space.constraints().empty()) out += ", " + plural(space.constraints().size(), "constraint");
  return out;
}

std::string goals_text(const Spec& spec) {
  std::string out;
  for (const auto& o : spec.objectives)
    out += (out.empty() ? "" : ", ") + std::string{o.maximize ? "maximize " : "minimize "} + printable(o.metric);
  return out;
}

std::string end_text(const Spec& spec) {
  std::string out;
  const auto add = [&](std::string text) { out += (out.empty() ? "" : " or ") + text; };
  const auto all = spec.space.cardinality();
  if (spec.stop.trials) add(grouped(static_cast<std::uint64_t>(*spec.stop.trials)) + " trials");
  if (all && (!spec.stop.trials || *all < static_cast<std::uint64_t>(*spec.stop.trials))) add("the whole space");
  if (spec.stop.time) add(to_text(*spec.stop.time));
  if (spec.stop.cost) add("a cost of " + to_text(*spec.stop.cost));
  std::string target;
  for (const auto& [metric, value] : spec.stop.target)
    target += (target.empty() ? "" : " with ") + metric + " " + to_text(value);
  if (!target.empty()) add(target);
  if (spec.stop.plateau) add(std::to_string(spec.stop.plateau->trials) + " trials without improvement");
  if (spec.stop.improvement) add("three unlikely improvements in a row");
  if (spec.stop.max_failures)
    add("more than " + plural(static_cast<std::uint64_t>(*spec.stop.max_failures), "failure"));
  return out.empty() ? "never by itself" : printable(out);
}

std::string policy_text(const PolicySpec& p) {
  std::string out = p.type;
  for (const auto& [name, value] : p.options) out += " " + name + "=" + printable(to_text(value));
  return out;
}

std::string summary(const Spec& spec, int examples) {
  std::string out;
  const auto line = [&](std::string_view label, const std::string& text) {
    out += pad(std::string{label}, 12) + text + "\n";
  };
  line("experiment", spec.name + ": " + goals_text(spec));
  line("space", space_text(spec.space));
  line("search", policy_text(spec.search));
  line("scheduler", policy_text(spec.scheduler));
  for (const auto& rule : spec.rules) line("rule", policy_text(rule));
  line("executor",
       policy_text(spec.executor) + (spec.parallel ? ", at most " + std::to_string(*spec.parallel) + " at once" : ""));
  line("ends after", end_text(spec));
  for (const auto& trial : example_trials(spec, examples)) {
    std::string text;
    for (const auto& argument : trial.argv) text += (text.empty() ? "" : " ") + printable(shell_quoted(argument));
    line("example", trial.argv.empty() ? params_text(trial.params) : text);
  }
  return out;
}

}  // namespace

CheckReport check_config(std::string_view text, const ConfigContext& context, const CheckOptions& options) {
  using Format = CheckOptions::Format;
  const auto result = read_config(text, context);
  CheckReport out;
  out.exit_code = !result.spec ? 2 : options.strict && !result.diagnostics.empty() ? 1 : 0;
  switch (options.format) {
    case Format::json:
      out.out = render_json(result.diagnostics);
      return out;
    case Format::sarif:
      out.out = render_sarif(result.diagnostics);
      return out;
    case Format::github:
      out.out = render_github(result.diagnostics);
      return out;
    case Format::text:
      break;
  }
  out.err = render_text(result.diagnostics);
  if (result.hidden > 0) out.err += "and " + std::to_string(result.hidden) + " more\n";
  if (!result.spec) return out;
  out.out = options.effective ? indented(result.spec->effective) + "\n"
                              : summary(*result.spec, std::clamp(options.examples, 0, 1000));
  return out;
}

std::vector<ExampleTrial> example_trials(const Spec& spec, int count) {
  std::vector<ExampleTrial> out;
  const auto command = spec.command.empty() ? Result<Command>{Command{}} : Command::parse(spec.command, spec.space, spec.inputs);
  const auto add = [&](const Params& params) {
    const auto number = static_cast<std::int64_t>(out.size());
    const auto folder = "tune.db.d/" + spec.name + "/" + std::to_string(number) + "/1";
    const auto seed = Rng{spec.seed, Purpose::seed, number}.next();
    std::vector<int> gpus;
    for (int g = 0; g < static_cast<int>(spec.resources.gpus + 0.999999); ++g) gpus.push_back(g);
    const Command::Attempt attempt{params, spec.name + "/" + std::to_string(number),
                                   number, 1,
                                   folder, folder + "/params.json",
                                   "",     spec.resources.cpus,
                                   gpus,   seed, instance_after(spec, 0)};
    auto argv = command ? command->expand(attempt) : Result<std::vector<std::string>>{command.error()};
    out.push_back({params, argv ? std::move(*argv) : std::vector<std::string>{}});
  };
  for (const auto& point : spec.points)
    if (static_cast<int>(out.size()) < count) add(point);
  Rng rng{spec.seed, Purpose::propose, -1};
  std::vector<double> unit(spec.space.size());
  for (int draws = 0; static_cast<int>(out.size()) < count && draws < 10'000; ++draws) {
    for (auto& u : unit) u = rng.uniform();
    const auto params = spec.space.decode(unit);
    if (spec.space.satisfies(params)) add(params);
  }
  return out;
}

std::string indented(std::string_view json) { return nlohmann::ordered_json::parse(json).dump(2); }

namespace {

std::string range_text(const Option& o) {
  using Kind = Option::Kind;
  std::string out = o.kind == Kind::boolean   ? "true or false"
                    : o.kind == Kind::integer ? "integer"
                    : o.kind == Kind::number  ? "number"
                    : o.kind == Kind::list    ? "list"
                    : o.kind == Kind::duration  ? "duration"
                    : o.kind == Kind::resources ? "object, as resources"
                                              : "text";
  if (o.kind == Kind::text && !o.choices.empty()) out.clear();
  if (o.kind == Kind::integer || o.kind == Kind::number) {
    if (o.min > -1e300) out += ", at least " + number_text(o.min);
    if (o.max < 1e300) out += ", at most " + number_text(o.max);
    if (!o.choices.empty()) out += ", or ";
  }
  for (const auto c : o.choices) out += (c == o.choices.front() ? "" : ", ") + std::string{c};
  return out;
}

std::string entry(std::string_view name, std::string_view type, std::string_view fallback, std::string_view help) {
  std::string out = std::string{name} + ": " + std::string{type} + "\n";
  if (!fallback.empty()) out += "  default: " + std::string{fallback} + "\n";
  return out + "  " + std::string{help} + "\n";
}

std::string policy_page(const std::string& name, const PolicyInfo& p) {
  std::string out = name + "\n  " + std::string{p.help} + "\n";
  for (const auto& o : p.options)
    out += "\n" + entry(name + "." + std::string{o.name}, range_text(o), o.fallback, o.help);
  return out;
}

std::string code_page(const Code& code) {
  return std::string{code.code} + ": " + std::string{code.title} + "\n\n" + std::string{code.text} + "\n\n  " +
         std::string{code.example} + "\n";
}

std::string field_page(const Field& field, std::string_view asked, const std::vector<PolicyInfo>* policies) {
  std::string out = entry(asked, field.type, field.fallback, field.help);
  if (!field.later.empty()) out += "  Not served by this version; it comes with " + std::string{field.later} + ".\n";
  for (const auto* f : fields_of(field.path))
    if (f->later.empty()) out += "\n" + entry(f->path, f->type, f->fallback, f->help);
  std::size_t widest = 9;
  if (policies)
    for (const auto& p : *policies) widest = std::max(widest, p.name.size());
  if (policies)
    for (const auto& p : *policies) out += "\n  " + pad(std::string{p.name}, widest + 1) + std::string{p.help} + "\n";
  return out;
}

}  // namespace

Result<std::string> explain(std::string_view what, const Catalogue& catalogue) {
  if (const auto* code = find_code(what)) return code_page(*code);

  const std::pair<std::string_view, const std::vector<PolicyInfo>*> tables[] = {
      {"search", &catalogue.samplers}, {"scheduler", &catalogue.schedulers}, {"executor", &catalogue.executors}};
  std::vector<std::string> known;
  for (const auto& code : all_codes()) known.emplace_back(code.code);
  for (const auto& f : config_fields()) known.emplace_back(f.path);
  for (const auto& [key, table] : tables)
    for (const auto& p : *table) {
      const auto name = std::string{key} + "." + std::string{p.name};
      known.push_back(name);
      if (what == name) return policy_page(name, p);
      for (const auto& o : p.options) {
        const auto path = name + "." + std::string{o.name};
        known.push_back(path);
        if (what == path) return entry(path, range_text(o), o.fallback, o.help);
      }
    }

  if (const auto* field = find_field(what)) {
    std::vector<PolicyInfo> rules;
    for (const auto& p : catalogue.schedulers)
      if (p.rule) rules.push_back(p);
    if (what.starts_with("scheduler.rules")) return field_page(*field, what, &rules);
    const auto* found = std::find_if(std::begin(tables), std::end(tables), [&](const auto& t) {
      return what == t.first || what == std::string{t.first} + ".type";
    });
    return field_page(*field, what, found == std::end(tables) ? nullptr : found->second);
  }
  const auto near = nearest(what, known);
  return Error{
      Error::Code::not_found, "nothing is called `" + printable(what) + "`",
      near.empty() ? "`tune explain params` begins; codes look like E021" : "did you mean " + std::string{near} + "?"};
}

}  // namespace tune
