// SPDX-License-Identifier: Apache-2.0
#include "ui/api/tune.hpp"

#include <filesystem>
#include <fstream>
#include <sstream>

#include "tuner/config.hpp"

namespace tune {

Result<Outcome> sweep(const std::string& config_file, SweepOptions options, std::vector<std::string> sets) {
  std::ifstream in{config_file, std::ios::binary};
  std::ostringstream text;
  if (!in || !(text << in.rdbuf())) return Error{Error::Code::not_found, "cannot read " + config_file, {}};
  const auto folder = std::filesystem::absolute(config_file).lexically_normal().parent_path().string();
  auto read = read_config(text.str(), {catalogue(), config_file, folder, std::move(sets)});
  if (!read.spec) return Error{Error::Code::invalid, render_text(read.diagnostics), {}};
  auto opened = Sweep::open(std::move(*read.spec), std::move(options));
  if (!opened) return opened.error();
  return (*opened)->run();
}

}  // namespace tune
