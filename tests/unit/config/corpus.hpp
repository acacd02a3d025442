// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace tune::testing {

/// File name to text of tests/config/<folder>. Tests start in the repository's root.
inline std::map<std::string, std::string> corpus(const std::string& folder) {
  std::map<std::string, std::string> out;
  for (const auto& entry : std::filesystem::directory_iterator{"tests/config/" + folder}) {
    std::ostringstream text;
    text << std::ifstream{entry.path(), std::ios::binary}.rdbuf();
    out[entry.path().filename().string()] = text.str();
  }
  return out;
}

}  // namespace tune::testing
