// SPDX-License-Identifier: Apache-2.0
#include "executors/own_program.hpp"

#include <cstdlib>
#include <filesystem>

#include "executors/process/launcher.hpp"

namespace tune {

std::string own_program() {
  if (const char* named = std::getenv("TUNE_PROGRAM"); named && *named) return named;
  std::error_code failed;
  const auto self = std::filesystem::read_symlink("/proc/self/exe", failed);
  if (self.filename() == "tune") return self;
  return find_program("tune", std::getenv("PATH"), "");
}

}  // namespace tune
