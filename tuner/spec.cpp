// SPDX-License-Identifier: Apache-2.0
#include "tuner/spec.hpp"

#include <algorithm>

namespace tune {
namespace {

/// The pieces of an absolute path, with "." and ".." followed.
std::vector<std::string_view> steps_of(std::string_view path) {
  std::vector<std::string_view> steps;
  while (!path.empty()) {
    const auto step = path.substr(0, path.find('/'));
    path.remove_prefix(std::min(path.size(), step.size() + 1));
    if (step == ".." && !steps.empty()) steps.pop_back();
    if (!step.empty() && step != "." && step != "..") steps.push_back(step);
  }
  return steps;
}

}  // namespace

std::optional<std::string> CodeSpec::place_of(std::string_view path) const {
  const auto steps = steps_of(path), top = steps_of(root);
  if (steps.size() < top.size() || !std::equal(top.begin(), top.end(), steps.begin())) return std::nullopt;
  std::string place;
  for (auto step = steps.begin() + static_cast<std::ptrdiff_t>(top.size()); step != steps.end(); ++step) place += "/" + std::string{*step};
  return place;
}

}  // namespace tune
