// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "tuner/command.hpp"
#include "tuner/config.hpp"
#include "tuner/instances.hpp"
#include "tuner/json.hpp"
#include "ui/api/sweep.hpp"
#include "ui/cli/config_file.hpp"
#include "ui/cli/run_here.hpp"
#include "ui/view/text.hpp"

namespace tune {
namespace {

/// `--trials 60` is `--set stop.trials=60`, and so on.
std::vector<std::string> settings_from(const Invocation& call) {
  static constexpr std::pair<const char*, const char*> shorthands[] = {
      {"trials", "stop.trials"}, {"time", "stop.time"}, {"parallel", "executor.parallel"},
      {"seed", "seed"},          {"name", "name"},      {"fail-fast", "stop.max_failures"},
  };
  auto sets = call.all("set");
  for (const auto& [flag, key] : shorthands)
    if (const auto value = call.get(flag)) sets.push_back(std::string(key) + "=" + *value);
  return sets;
}

/// The command with what followed `--` at its end, as a setting.
std::string command_setting(const std::vector<std::string>& command, const std::vector<std::string>& more) {
  std::string json;
  JsonWriter out(json);
  out.begin_array();
  for (const auto& word : command) out.value(word);
  for (const auto& word : more) out.value(word);
  out.end_array();
  return "command=" + json;
}

/// The trials that would come first, if nothing were learned from them.
int dry_run(Invocation& call, const Spec& spec, std::int64_t count) {
  auto made = make_experiment(spec);
  if (!made) return call.fail(made.error());
  Experiment& experiment = **made;
  experiment.apply({1, Time{0}, 1, Observation{Configured{spec.effective, spec.space.hash(), {}, "user"}}});
  const auto command = Command::parse(spec.command, spec.space, spec.inputs);
  Listing shown({{"number"}, {"source"}, {"params"}, {"command"}});
  for (std::int64_t n = 0; n < count; ++n) {
    const TrialId id{n};
    Decided decided{Propose{}, {}};
    if (n < static_cast<std::int64_t>(spec.points.size())) {
      Propose point;
      point.trial = id, point.params = spec.points[static_cast<std::size_t>(n)], point.source = "point";
      decided.what = std::move(point);
    } else {
      const auto proposal = experiment.sampler().propose(id, experiment.proposal_stream(id));
      if (!proposal) break;
      decided = experiment.propose(*proposal, 0);
    }
    experiment.apply({experiment.next_seq(), Time{0}, 1, decided});
    const auto& propose = std::get<Propose>(decided.what);
    const auto& params = propose.params;
    std::string line;
    if (command && !spec.command.empty()) {
      const auto argv = command->expand({params,
                                         spec.name + "/" + std::to_string(n),
                                         n,
                                         1,
                                         "DIR",
                                         "DIR/params.json",
                                         "",
                                         spec.resources.cpus,
                                         {},
                                         spec.seed,
                                         instance_after(spec, 0)});
      if (argv)
        for (const auto& argument : *argv) line += (line.empty() ? "" : " ") + shell_quoted(argument);
    }
    std::string json;
    JsonWriter out(json);
    out.begin_object();
    for (const auto& [name, value] : params) {
      out.key(name);
      std::visit([&](const auto& v) { out.value(v); }, value);
    }
    out.end_object();
    shown.add({n, propose.source, Shown::raw(params_text(params), json), line});
  }
  call.print(shown);
  call.tell("nothing was run and nothing recorded");
  return kOk;
}

}  // namespace

int sweep_verb(Invocation& call) {
  if (call.words().size() != 1)
    return call.fail(
        usage_error("`tune sweep` takes one config file", "tune sweep config.json; `tune init` writes one"));
  auto sets = settings_from(call);
  auto spec = read_config_file(call, call.words()[0], sets);
  if (spec && !call.rest().empty()) {
    sets.push_back(command_setting(spec->command, call.rest()));
    spec = read_config_file(call, call.words()[0], sets);
  }
  if (!spec) return kUsage;
  if (const auto count = call.get("dry-run")) {
    const auto wanted =
        count->empty() ? Result<std::optional<std::int64_t>>{std::optional<std::int64_t>{3}} : call.whole("dry-run", 1);
    if (!wanted) return call.fail(wanted.error());
    return dry_run(call, *spec, **wanted);
  }

  SweepOptions options;
  const auto resume = call.get("resume").value_or("auto");
  if (resume != "auto" && resume != "never" && !resume.empty())
    return call.fail(usage_error("`--resume` is auto or never, not `" + printable(resume) + "`"));
  if (resume == "never") options.resume = SweepOptions::Resume::never;
  options.store = call.has("store") || spec->store.empty() ? call.store() : spec->store;
  options.takeover = call.has("takeover");
  options.allow_network_store = call.has("allow-network-store");
  const std::string again = resume == "never" ? std::string{} : call.line();
  return run_here(call, *spec, options.store, again, [&](const SweepOptions& given) {
    options.watchers = given.watchers, options.url = given.url, options.secret = given.secret, options.authority = given.authority;
    return Sweep::open(*spec, options);
  });
}

}  // namespace tune
