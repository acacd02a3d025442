// SPDX-License-Identifier: Apache-2.0
#include "ui/view/trial_text.hpp"

#include "tuner/command.hpp"
#include "tuner/instances.hpp"
#include "tuner/json.hpp"
#include "ui/view/text.hpp"

namespace tune {

Result<std::vector<std::string>> command_of(const Spec& spec, const Params& params, TrialId id,
                                            const std::string& trial_folder, const std::string& params_file) {
  if (spec.command.empty()) return std::vector<std::string>{};
  const auto command = Command::parse(spec.command, spec.space, spec.inputs);
  if (!command) return command.error();
  return command->expand({params,
                          spec.name + "/" + std::to_string(id.value),
                          id.value,
                          1,
                          trial_folder,
                          params_file,
                          "",
                          spec.resources.cpus,
                          {},
                          spec.seed,
                          instance_after(spec, 0),
                          paths_of(spec.inputs)});
}

std::string shell_line(const std::vector<std::string>& words) {
  std::string line;
  for (const auto& word : words) line += (line.empty() ? "" : " ") + shell_quoted(word);
  return line;
}

std::string params_object(const Params& params) {
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  for (const auto& [name, value] : params) {
    json.key(name);
    std::visit([&](const auto& v) { json.value(v); }, value);
  }
  json.end_object();
  return out;
}

std::string arguments_text(const Params& params) {
  std::string out;
  for (const auto& [name, value] : params)
    out += (out.empty() ? "" : " ") + shell_quoted("--" + name + "=" + to_text(value));
  return out + "\n";
}

std::string environment_text(const Params& params) {
  std::string out;
  for (const auto& [name, value] : params) out += environment_name(name) + "=" + shell_quoted(to_text(value)) + "\n";
  return out;
}

}  // namespace tune
