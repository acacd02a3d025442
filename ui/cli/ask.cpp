// SPDX-License-Identifier: Apache-2.0
// The verbs for those who run trials themselves: create, ask, tell and report. The experiment is owned for the length of
// a call; whoever comes meanwhile waits.
#include <charconv>
#include <iostream>

#include "tuner/json.hpp"
#include "tuner/units.hpp"
#include "ui/api/ask_lines.hpp"
#include "ui/cli/config_file.hpp"
#include "ui/cli/from_within.hpp"
#include "ui/cli/subject.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

constexpr Duration kPatience{30};

Result<std::optional<Duration>> duration_flag(const Invocation& call, const char* flag) {
  const auto given = call.get(flag);
  if (!given) return std::optional<Duration>{};
  const auto duration = parse_duration(*given);
  if (!duration) return usage_error("`--" + std::string(flag) + "` takes a duration like 90s or 1h30m, not `" +
                                    printable(*given) + "`");
  return duration;
}

Result<std::unique_ptr<AskTell>> open_subject(const Invocation& call, const Subject& subject) {
  const auto timeout = duration_flag(call, "timeout");
  if (!timeout) return timeout.error();
  SweepOptions options;
  options.store = call.store();
  options.patience = timeout->value_or(kPatience);
  return AskTell::open_existing(subject.experiment.name, options);
}

/// What words like loss=0.3 say.
struct Given {
  Metrics metrics;
  std::optional<std::int64_t> step;
};

Result<Given> given_by(const std::vector<std::string>& words) {
  Given out;
  std::vector<std::string> names;
  for (const auto& word : words) {
    const auto equals = word.find('=');
    const std::string name = word.substr(0, equals);
    const std::string_view text = std::string_view(word).substr(equals + 1);
    double value = 0;
    const auto [end, failed] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (text.empty() || failed != std::errc{} || end != text.data() + text.size())
      return usage_error("`" + printable(word) + "` is no value", "loss=0.3; nan, inf and -inf are values too");
    if (name == "step") {
      const auto [rest, wrong] = std::from_chars(text.data(), text.data() + text.size(), out.step.emplace());
      if (wrong != std::errc{} || rest != text.data() + text.size())
        return usage_error("`" + printable(word) + "`: a step is a whole number");
      continue;
    }
    if (name.empty() || std::find(names.begin(), names.end(), name) != names.end())
      return usage_error("`" + printable(word) + "`: " + (name.empty() ? "which metric?" : "it was given before"));
    names.push_back(name);
    out.metrics.values.push_back(value);
  }
  out.metrics.names = std::make_shared<const std::vector<std::string>>(std::move(names));
  return out;
}

/// Words without `=` say which trial: NAME/7, 7, or NAME 7. The others are values.
struct Address {
  std::vector<std::string> trial, values;
};

Address address_of(const std::vector<std::string>& words) {
  Address out;
  for (const auto& word : words) (word.find('=') == std::string::npos ? out.trial : out.values).push_back(word);
  return out;
}

Result<Subject> trial_of(const Invocation& call, const Address& address) {
  if (address.trial.empty() || address.trial.size() > 2)
    return usage_error("which trial?", "tune " + std::string(call.verb().name) + " digits/7 loss=0.3");
  return find_trial(call, address.trial.size() == 1 ? address.trial[0] : address.trial[0] + "/" + address.trial[1]);
}

std::string full_name(const Subject& subject, TrialId id) {
  return subject.experiment.name + "/" + std::to_string(id.value);
}

int print_nothing(const Invocation& call, const Subject& subject, const AskTell::Nothing& nothing) {
  return call.fail({nothing.over ? Error::Code::not_found : Error::Code::conflict,
                    (nothing.over ? "`" + subject.name() + "` is over: " : "nothing to do for now: ") +
                        printable(nothing.why),
                    nothing.over ? "tune best " + subject.name() + call.store_hint() : ""});
}

void print(const Invocation& call, const Subject& subject, const AskTell::Asked& asked) {
  const auto name = full_name(subject, asked.id);
  if (call.output() == "id") return call.print_exact(name + "\n");
  if (call.output() == "args") {
    call.tell("trial " + printable(name));
    return call.print_exact(arguments_text(asked.params));
  }
  if (call.output() == "env")
    return call.print_exact("TUNE_TRIAL_ID=" + shell_quoted(name) + "\n" + environment_text(asked.params));
  if (call.format() != Invocation::Format::table) {
    std::string out;
    JsonWriter json(out);
    json.begin_object().key("id").value(name);
    write(json, asked);
    json.end_object();
    return call.print_exact(out + "\n");
  }
  std::string out = paint(Style::bold, printable(name), call.colour()) + "\n";
  std::size_t widest = 0;
  for (const auto& [key, value] : asked.params) widest = std::max(widest, display_width(printable(key)));
  for (const auto& [key, value] : asked.params)
    out += "  " + pad(printable(key), widest) + "  " + value_text(value) + "\n";
  if (asked.until_step != kNoStep) out += "  up to step " + std::to_string(asked.until_step) + "\n";
  call.print(out);
}

int serve(const Invocation& call, AskTell& experiment) {
  AskLines lines(experiment);
  std::ios::sync_with_stdio(false);
  for (std::string line; std::getline(std::cin, line);) {
    call.print_exact(lines.answer(line) + "\n");
    std::fflush(stdout);
  }
  return kOk;
}

}  // namespace

int create_verb(Invocation& call) {
  if (call.words().size() != 1)
    return call.fail(usage_error("`tune create` takes one config file", "tune create config.json"));
  auto sets = call.all("set");
  if (const auto name = call.get("name")) sets.push_back("name=" + *name);
  auto spec = read_config_file(call, call.words()[0], sets, false);
  if (!spec) return kUsage;
  SweepOptions options;
  options.store = call.has("store") || spec->store.empty() ? call.store() : spec->store;
  options.allow_network_store = call.has("allow-network-store");
  const auto name = spec->name;
  auto opened = AskTell::open(std::move(*spec), options);
  if (!opened) return call.fail(opened.error());
  if ((*opened)->resumed())
    return call.fail({Error::Code::conflict, "there is an experiment `" + printable(name) + "` already",
                      "tune ask " + shell_quoted(name) + call.store_hint() + ", or create another with --name"});
  call.tell(printable(name) + ": created; tune ask " + shell_quoted(name) + call.store_hint());
  return kOk;
}

int ask_verb(Invocation& call) {
  const auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  const auto lease = duration_flag(call, "lease");
  if (!lease) return call.fail(lease.error());
  auto experiment = open_subject(call, *subject);
  if (!experiment) return call.fail(experiment.error());
  if (call.has("serve")) return serve(call, **experiment);
  const auto asked = (*experiment)->ask(*lease);
  if (!asked) return call.fail(asked.error());
  if (!*asked) return print_nothing(call, *subject, (*experiment)->reason());
  print(call, *subject, **asked);
  return kOk;
}

int tell_verb(Invocation& call) {
  const auto address = address_of(call.words());
  const auto given = given_by(address.values);
  if (!given) return call.fail(given.error());
  AskTell::Told told{given->metrics, given->step, Cause::done, call.get("text").value_or("")};
  if (const auto state = call.get("state")) {
    const auto cause = ending(*state);
    if (!cause)
      return call.fail(usage_error("`--state` is complete, failed, infeasible, cancelled or lost, not `" +
                                   printable(*state) + "`"));
    told.cause = *cause;
  }
  const auto subject = trial_of(call, address);
  if (!subject) return call.fail(subject.error());
  auto experiment = open_subject(call, *subject);
  if (!experiment) return call.fail(experiment.error());
  const auto state = (*experiment)->tell(*subject->trial, told);
  if (!state) return call.fail(state.error());
  if (call.format() == Invocation::Format::table) {
    call.print(std::string(to_text(*state)) + "\n");
  } else {
    std::string out;
    const auto name = full_name(*subject, *subject->trial);
    JsonWriter(out).begin_object().key("id").value(name).key("state").value(to_text(*state)).end_object();
    call.print_exact(out + "\n");
  }
  return kOk;
}

int report_verb(Invocation& call) {
  const auto address = address_of(call.words());
  const auto given = given_by(address.values);
  if (!given) return call.fail(given.error());
  if (given->metrics.size() == 0) return call.fail(usage_error("what is reported?", "tune report step=3 loss=0.4"));
  if (address.trial.empty()) {
    const auto order = report_from_within(given->step, given->metrics);
    if (!order) return call.fail(order.error());
    return call.print(*order + "\n"), kOk;
  }
  const auto subject = trial_of(call, address);
  if (!subject) return call.fail(subject.error());
  if (!given->step)
    return call.fail(usage_error("at which step?", "tune report " + subject->name() + " step=3 loss=0.4"));
  auto experiment = open_subject(call, *subject);
  if (!experiment) return call.fail(experiment.error());
  const auto order = (*experiment)->report(*subject->trial, *given->step, given->metrics);
  if (!order) return call.fail(order.error());
  return call.print(std::string(to_text(*order)) + "\n"), kOk;
}

}  // namespace tune
