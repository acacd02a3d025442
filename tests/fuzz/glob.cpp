// SPDX-License-Identifier: Apache-2.0
// A pattern and a path, a line each: whatever they are, the answer comes at once, and is the same for what a folder holds.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "tuner/glob.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view all{reinterpret_cast<const char*>(bytes), size};
  const auto line = all.find('\n');
  if (line == std::string_view::npos) return 0;
  const auto pattern = all.substr(0, line), path = all.substr(line + 1);
  const bool taken = tune::is_glob(pattern) && tune::glob_takes(pattern, path);
  if (taken && !tune::glob_takes(pattern, std::string(path) + "/x")) std::abort();
  if (!path.empty() && !tune::glob_takes("**", path)) std::abort();
  return 0;
}
