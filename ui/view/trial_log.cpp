// SPDX-License-Identifier: Apache-2.0
#include "ui/view/trial_log.hpp"

#include <algorithm>
#include <fstream>

namespace tune {

std::string store_folder(const std::string& store) { return store + ".d"; }

std::string attempt_folder(const std::string& experiment_folder, TrialId trial, int attempt) {
  return experiment_folder + "/" + std::to_string(trial.value) + "/" + std::to_string(attempt);
}

std::vector<std::string> last_lines(const std::string& file, std::size_t count) {
  std::ifstream in(file, std::ios::binary | std::ios::ate);
  if (!in) return {};
  const auto size = static_cast<std::streamoff>(in.tellg());
  const auto from = std::max<std::streamoff>(0, size - 16 * 1024);
  in.seekg(from);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) lines.push_back(std::move(line));
  if (from > 0 && lines.size() > 1) lines.erase(lines.begin());
  if (lines.size() > count) lines.erase(lines.begin(), lines.end() - static_cast<std::ptrdiff_t>(count));
  return lines;
}

std::vector<std::string> last_log_lines(const std::string& folder, std::size_t count) {
  auto lines = last_lines(folder + "/stderr.log", count);
  return lines.empty() ? last_lines(folder + "/stdout.log", count) : lines;
}

}  // namespace tune
