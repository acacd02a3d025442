// SPDX-License-Identifier: Apache-2.0
// What whoever connects to rank 0 says first: any bytes are a greeting, the beginning of one, or none; a greeting comes back the same.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "ui/communicator/greeting.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const auto read = tune::detail::read_greeting(bytes);
  if (read && *read && to_bytes(**read) != bytes) std::abort();
  if (read && !*read && size >= tune::detail::kLongestGreeting) std::abort();
  return 0;
}
