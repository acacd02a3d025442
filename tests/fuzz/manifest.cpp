// SPDX-License-Identifier: Apache-2.0
// Any text as the manifest of its own hash: what is read is written again as what was read, and no name leads out of the tree.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <string>

#include "executors/tree.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(bytes), size};
  if (tune::read_manifest(std::string(64, '0'), text)) std::abort();
  const auto read = tune::read_manifest(tune::sha256_of(text), text);
  if (!read) return 0;
  for (const auto& file : read->files) {
    const auto there = (std::filesystem::path("/a/b") / read->entry / file.name).lexically_normal().string();
    if (!there.starts_with("/a/b/") || file.bytes < 0) std::abort();
  }
  const auto again = read->text();
  const auto twice = tune::read_manifest(tune::sha256_of(again), again);
  if (!twice || twice->text() != again) std::abort();
  return 0;
}
