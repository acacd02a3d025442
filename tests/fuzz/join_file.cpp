// SPDX-License-Identifier: Apache-2.0
// A join file: any bytes are one or an error, and one that is read can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/link/join_file.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto file = tune::parse_join_file({reinterpret_cast<const char*>(data), size});
  if (!file) return file.error().message.empty() ? (std::abort(), 0) : 0;
  const auto again = tune::parse_join_file(tune::to_json(*file));
  // Text that is not UTF-8 is mended as it is written, and only a group can be such.
  if (!again || again->token != file->token || again->address != file->address || again->expires != file->expires) std::abort();
  return 0;
}
