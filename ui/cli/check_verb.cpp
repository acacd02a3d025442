// SPDX-License-Identifier: Apache-2.0
#include <filesystem>

#include "ui/api/policies.hpp"
#include "ui/cli/check.hpp"
#include "ui/cli/config_file.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

int check_verb(Invocation& call) {
  if (call.words().size() != 1)
    return call.fail(usage_error("`tune check` takes one config file", "tune check config.json"));
  const auto& path = call.words()[0];
  const auto text = read_text(path);
  if (!text) return call.fail(text.error());
  CheckOptions options;
  const auto format = call.get("format").value_or(call.format() == Invocation::Format::table ? "text" : "json");
  if (format == "json")
    options.format = CheckOptions::Format::json;
  else if (format == "sarif")
    options.format = CheckOptions::Format::sarif;
  else if (format == "github")
    options.format = CheckOptions::Format::github;
  else if (format != "text")
    return call.fail(usage_error("`--format` is text, json, sarif or github, not `" + printable(format) + "`"));
  options.strict = call.has("strict");
  options.effective = call.has("effective");
  std::error_code failed;
  const auto folder = std::filesystem::absolute(path, failed).parent_path().lexically_normal().string();
  const auto report = check_config(*text, {catalogue(), path, folder, call.all("set"), true}, options);
  call.complain(report.err);
  call.print(report.out);
  return report.exit_code;
}

}  // namespace tune
