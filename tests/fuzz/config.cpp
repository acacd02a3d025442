// SPDX-License-Identifier: Apache-2.0
// Any bytes as a config: a Spec or an error that lies in the text, and what a Spec says of itself reads back as itself.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/config.hpp"
#include "ui/api/sweep.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  const tune::ConfigContext context{tune::catalogue()};
  const auto read = tune::read_config(text, context);
  if (!read.spec) {
    if (read.diagnostics.empty()) std::abort();
    return 0;
  }
  const auto again = tune::read_config(read.spec->effective, context);
  if (!again.spec || again.spec->effective != read.spec->effective) std::abort();
  return 0;
}
