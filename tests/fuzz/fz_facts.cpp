// SPDX-License-Identifier: Apache-2.0
// Any bytes as a journal line: read it or refuse it; what was read must survive being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/facts_json.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  // As a line, and as the body of the kind that its first byte picks.
  static constexpr std::string_view kinds[] = {"Configured", "Imported", "Requested", "WorkerJoined", "Reported", "Exited",
                                               "Propose",    "Launch",   "Exploit",   "Settle",       "Finish",   "Nonsense"};
  auto record = tune::record_from_json_line(text);
  if (!record && size > 0)
    record = tune::record_from_json(1, {0}, 1, kinds[data[0] % std::size(kinds)], text.substr(1));
  if (!record) return 0;
  const auto line = tune::to_json_line(*record);
  const auto again = tune::record_from_json_line(line);
  if (!again || tune::to_json_line(*again) != line) std::abort();
  return 0;
}
