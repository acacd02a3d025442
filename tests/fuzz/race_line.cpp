// SPDX-License-Identifier: Apache-2.0
// A line of a results file of bench_schedulers: any bytes are a run or an error, and a run reads back as it was written.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "bench/schedulers/run.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto run = tune::races::read_run({reinterpret_cast<const char*>(data), size});
  if (!run) return 0;
  const std::string text = tune::races::to_json(*run);
  const auto again = tune::races::read_run(text);
  if (!again || tune::races::to_json(*again) != text) std::abort();
  return 0;
}
