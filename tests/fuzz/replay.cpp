// SPDX-License-Identifier: Apache-2.0
// Drives a fuzz entry where there is no libFuzzer: each seed as it is, cut short, and with bytes changed.
// usage: fuzz_NAME FOLDER-OR-FILE…
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "tuner/rng.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size);

namespace {

constexpr int kMutations = 300;  // Of each seed: all entries together stay within seconds.

void run(const std::string& bytes) { LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()); }

std::string mutated(std::string bytes, tune::Rng& rng) {
  if (bytes.empty()) return bytes;
  const auto anywhere = [&] { return static_cast<std::size_t>(rng.below(bytes.size())); };
  for (std::uint64_t changes = 1 + rng.below(4); changes > 0 && !bytes.empty(); --changes) {
    switch (rng.below(4)) {
      case 0: bytes[anywhere()] = static_cast<char>(rng.below(256)); break;
      case 1: bytes.erase(anywhere(), 1 + rng.below(8)); break;
      case 2: bytes.insert(anywhere(), bytes.substr(anywhere(), 1 + rng.below(16))); break;
      default: bytes.resize(anywhere());
    }
  }
  return bytes;
}

}  // namespace

int main(int count, char** arguments) {
  std::vector<std::filesystem::path> files;
  for (int i = 1; i < count; ++i) {
    if (!std::filesystem::is_directory(arguments[i])) {
      files.emplace_back(arguments[i]);
      continue;
    }
    for (const auto& entry : std::filesystem::directory_iterator(arguments[i])) files.push_back(entry.path());
  }
  if (files.empty()) {
    std::cerr << "no seeds\n";
    return 1;
  }
  std::sort(files.begin(), files.end());  // A folder's order is the file system's.
  tune::Rng rng{1, 1};
  for (const auto& file : files) {
    std::ifstream in{file, std::ios::binary};
    const std::string seed{std::istreambuf_iterator<char>{in}, {}};
    run(seed);
    for (int i = 0; i < kMutations; ++i) run(mutated(seed, rng));
  }
  std::cout << files.size() << " seeds and " << kMutations << " mutations of each\n";
}
