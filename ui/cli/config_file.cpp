// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/config_file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include "tuner/config.hpp"
#include "ui/api/policies.hpp"

namespace tune {

Result<std::string> read_text(const std::string& path) {
  std::error_code failed;
  const bool is_folder = std::filesystem::is_directory(path, failed);
  std::ifstream in(path, std::ios::binary);
  if (in && !is_folder) return std::string{std::istreambuf_iterator<char>(in), {}};
  return usage_error("cannot read `" + printable(path) + "`: " + (is_folder ? "it is a folder" : std::strerror(errno)),
                     "tune init writes a config");
}

std::optional<Spec> read_config_file(const Invocation& call, const std::string& path,
                                     const std::vector<std::string>& sets, bool needs_program) {
  const auto text = read_text(path);
  if (!text) {
    call.fail(text.error());
    return std::nullopt;
  }
  std::error_code failed;
  const auto folder = std::filesystem::absolute(path, failed).parent_path().lexically_normal().string();
  auto read = read_config(*text, {catalogue(), path, folder, sets, needs_program});
  if (!read.diagnostics.empty() && (!read.spec || !call.quiet())) {
    call.complain(render_text(read.diagnostics));
    if (read.hidden > 0) call.complain("and " + std::to_string(read.hidden) + " more\n");
  }
  return std::move(read.spec);
}

}  // namespace tune
