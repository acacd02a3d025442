// SPDX-License-Identifier: Apache-2.0
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "ui/cli/init.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

int init_verb(Invocation& call) {
  if (call.words().size() > 1) return call.fail(usage_error("`tune init` takes one template", "tune init python"));
  const auto from = call.get("from");
  const auto files = from ? init_from(*from) : init_template(call.words().empty() ? "command" : call.words()[0]);
  if (!files) return call.fail(files.error());
  for (const auto& file : *files)
    if (std::filesystem::exists(file.name) && !call.has("force"))
      return call.fail(
          {Error::Code::conflict, "`" + file.name + "` is there already", "tune init --force overwrites it"});
  for (const auto& file : *files) {
    std::ofstream out(file.name, std::ios::binary);
    out << file.text;
    out.close();
    if (!out) return call.fail({Error::Code::io, "cannot write `" + file.name + "`: " + std::strerror(errno), {}});
    std::error_code failed;
    if (file.executable)
      std::filesystem::permissions(
          file.name,
          std::filesystem::perms::owner_exec | std::filesystem::perms::group_exec | std::filesystem::perms::others_exec,
          std::filesystem::perm_options::add, failed);
    call.tell("wrote " + file.name);
  }
  call.tell("next: tune check config.json && tune sweep config.json");
  return kOk;
}

}  // namespace tune
