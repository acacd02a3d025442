// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "tuner/command.hpp"
#include "tuner/json.hpp"
#include "ui/cli/confirm.hpp"
#include "ui/cli/front.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

std::string as_json(const Subject& subject, const TrialDetail& detail, const Spec& spec) {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("experiment").value(subject.experiment.name).key("trial").value(detail.row.id.value);
  json.key("metric").value(spec.objectives.front().metric).key("value").value(detail.row.value.value_or(0));
  if (const auto values = values_of(detail.row); values.size() > 1) {
    json.key("values").begin_object();
    for (std::size_t k = 0; k < values.size() && k < spec.objectives.size(); ++k)
      json.key(spec.objectives[k].metric).value(values[k]);
    json.end_object();
  }
  json.key("params").raw(params_object(detail.params)).end_object();
  return out + "\n";
}

std::string as_text(const Invocation& call, const Subject& subject, const TrialDetail& detail, const Spec& spec) {
  const bool colour = call.colour();
  std::string out = paint(Style::bold, subject.name(), colour) + "  " +
                    values_text(values_of(detail.row), spec.objectives, colour) + "  " +
                    sparkline(curve_of(subject, spec.objectives.front().metric), 24) + "\n";
  std::size_t widest = 0;
  for (const auto& [name, value] : detail.params) widest = std::max(widest, display_width(printable(name)));
  for (const auto& [name, value] : detail.params)
    out += "  " + pad(printable(name), widest) + "  " + value_text(value) + "\n";
  return out;
}

/// Becomes the trial's program: same arguments, same environment, in the foreground. Returns only if that fails.
int run_again(Invocation& call, const Subject& subject, const TrialDetail& detail, const Spec& spec) {
  if (spec.command.empty())
    return call.fail(usage_error("`" + subject.name() + "` is a C++ trainable and has no command to run",
                                 "tune best -o json prints its parameters"));
  std::error_code failed;
  const std::string folder = std::filesystem::absolute(subject.folder(call), failed).string() + "/best";
  std::filesystem::create_directories(folder, failed);
  const std::string params_file = folder + "/params.json";
  std::ofstream(params_file) << params_json(detail.params) << "\n";
  const auto argv = command_of(spec, detail.params, detail.row.id, folder, params_file);
  if (!argv) return call.fail(argv.error());
  call.tell("$ " + printable(shell_line(*argv)));
  std::fflush(nullptr);

  for (const auto& [name, value] : spec.env) value ? setenv(name.c_str(), value->c_str(), 1) : unsetenv(name.c_str());
  for (const auto& [name, value] : detail.params) setenv(environment_name(name).c_str(), to_text(value).c_str(), 1);
  setenv("TUNE_PARAMS", params_file.c_str(), 1);
  if (chdir(spec.cwd.c_str()) != 0)
    return call.fail(
        {Error::Code::not_found, "cannot go to `" + printable(spec.cwd) + "`: " + std::strerror(errno), {}});
  std::vector<char*> raw;
  for (const auto& word : *argv) raw.push_back(const_cast<char*>(word.c_str()));
  raw.push_back(nullptr);
  execvp(raw[0], raw.data());
  return call.fail({Error::Code::not_found, "cannot run `" + printable(raw[0]) + "`: " + std::strerror(errno), {}});
}

/// The one trial to show or run; nullopt: all of the front are to be shown.
Result<std::optional<TrialId>> choose(const Invocation& call, const Subject& subject, const Front& front, const Spec& spec) {
  const auto count = front.members().size();
  if (count == 0)
    return Error{Error::Code::not_found, "no trial of `" + subject.name() + "` has succeeded in every objective",
                 "tune trials " + subject.name() + call.store_hint()};
  const bool one = call.has("run") || call.output() == "args" || call.output() == "env";
  if (!one && !call.get("objective")) return std::optional<TrialId>{};
  const auto chosen = chosen_of(call, front, spec);
  if (chosen && !*chosen)
    return usage_error("`" + subject.name() + "` has " + std::to_string(count) + " best trials, none of which beats another",
                       "--objective " + shell_quoted(printable(spec.objectives.front().metric)) +
                           " takes the best by that one; tune best " + subject.name() + " shows all");
  return chosen;
}

}  // namespace

int best_verb(Invocation& call) {
  auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  if (!subject->experiment.best_trial)
    return call.fail({Error::Code::not_found, "no trial of `" + subject->name() + "` has succeeded",
                      "tune logs " + subject->name() + " --failed" + call.store_hint()});
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  if (call.has("confirm")) {
    const auto count = call.whole("confirm", 1);
    if (!count) return call.fail(count.error());
    return confirm_best(call, *subject, *spec, count->value_or(5));
  }
  auto best = subject->experiment.best_trial;
  if (spec->objectives.size() > 1) {
    const auto front = front_of(*subject->reader, subject->experiment, *spec);
    if (!front) return call.fail(front.error());
    const auto chosen = choose(call, *subject, *front, *spec);
    if (!chosen) return call.fail(chosen.error());
    if (!*chosen) return show_front(call, *subject, *front);
    best = *chosen;
  }
  subject->trial = best;
  const auto detail = subject->reader->trial(subject->experiment.id, *subject->trial);
  if (!detail) return call.fail(detail.error());
  if (call.has("run")) return run_again(call, *subject, *detail, *spec);
  if (call.output() == "args") return call.print_exact(arguments_text(detail->params)), kOk;
  if (call.output() == "env") return call.print_exact(environment_text(detail->params)), kOk;
  if (call.format() == Invocation::Format::table)
    call.print(as_text(call, *subject, *detail, *spec));
  else
    call.print_exact(as_json(*subject, *detail, *spec));
  return kOk;
}

}  // namespace tune
