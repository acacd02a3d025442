// SPDX-License-Identifier: Apache-2.0
// Any bytes as a message between an agent and a coordinator: read or refused; what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/pool/messages.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto message = tune::read_message({reinterpret_cast<const char*>(data), size});
  if (!message) return 0;
  // The first writing may replace bytes that are no UTF-8; from then on nothing changes any more.
  const auto once = tune::read_message(tune::write_message(*message));
  if (!once) std::abort();
  const auto written = tune::write_message(*once);
  const auto again = tune::read_message(written);
  if (!again || tune::write_message(*again) != written) std::abort();
  return 0;
}
