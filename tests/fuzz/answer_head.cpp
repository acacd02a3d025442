// SPDX-License-Identifier: Apache-2.0
// What a coordinator's answer begins with: any bytes are one or none, and a status has three digits.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/link/frames.hpp"
#include "executors/link/request.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto head = tune::detail::parse_answer_head(text);
  if (head && (head->status < 100 || head->status > 999)) std::abort();
  if (tune::detail::offers_protocol(text, "tune.agent.v1") && text.find("tune.agent.v1") == std::string_view::npos) std::abort();
  return 0;
}
