// SPDX-License-Identifier: Apache-2.0
// Any bytes as lines of a journal: read or refused; what was read survives being written and read again.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <string_view>

#include "tuner/facts_json.hpp"
#include "tuner/utf8.hpp"

namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto length = tune::utf8_length(text);
    if (length == 0) return false;
    text.remove_prefix(length);
  }
  return true;
}

void check(std::string_view line) {
  static constexpr std::string_view kinds[] = {"Configured", "Imported", "Requested", "WorkerJoined", "Reported", "Exited",
                                               "Propose",    "Launch",   "Exploit",   "Settle",       "Finish",   "Nonsense"};
  auto record = tune::record_from_json_line(line);
  // Else as the body of the kind that its first byte picks.
  if (!record && !line.empty())
    record = tune::record_from_json(1, {0}, 1, kinds[static_cast<unsigned char>(line[0]) % std::size(kinds)], line.substr(1));
  if (!record) return;
  auto written = tune::to_json_line(*record);
  // Bytes that are no UTF-8 are replaced by the first writing; from then on nothing changes any more.
  if (!is_utf8(line)) {
    record = tune::record_from_json_line(written);
    if (!record) std::abort();
    written = tune::to_json_line(*record);
  }
  const auto again = tune::record_from_json_line(written);
  if (!again || tune::to_json_line(*again) != written) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  std::string_view text{reinterpret_cast<const char*>(bytes), size};
  while (!text.empty()) {
    const auto end = text.find('\n');
    check(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return 0;
}
