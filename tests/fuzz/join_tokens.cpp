// SPDX-License-Identifier: Apache-2.0
// The file of join tokens: any bytes are some or an error, and what is read can be written and read again.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/link/join_tokens.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto kept = tune::detail::parse_join_tokens({reinterpret_cast<const char*>(data), size});
  if (!kept) return 0;
  const auto again = tune::detail::parse_join_tokens(tune::detail::to_json(*kept));
  if (!again || *again != *kept) std::abort();
  return 0;
}
