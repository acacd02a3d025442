// SPDX-License-Identifier: Apache-2.0
// The body of a report over HTTP: whatever it is, what goes on to the trial's owner are reports, the last of which is answered.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/process/report_line.hpp"
#include "ui/server/relay.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto read = tune::read_report_lines({reinterpret_cast<const char*>(bytes), size});
  if (!read) return 0;
  tune::ReportLineReader reader;
  tune::ReportLine line;
  int answers = 0;
  std::string_view rest = read->lines;
  while (!rest.empty()) {
    const auto text = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(text.size() + 1);
    if (!reader.read(text, line)) std::abort();
    answers += line.sync;
  }
  if (!line.sync || answers != read->answers) std::abort();
  return 0;
}
