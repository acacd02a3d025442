// SPDX-License-Identifier: Apache-2.0
// The report reader and the line cutter on any bytes: they end, every list of names fits its values, and how the bytes were
// cut does not change what is read.
#include <cstdint>
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "executors/process/report_line.hpp"

namespace {

struct Seen {
  std::vector<std::string> errors;
  std::vector<tune::Metrics> metrics;
};

Seen read(std::string_view bytes, std::size_t chunk) {
  tune::LineCutter cutter(256);
  tune::ReportLineReader reader;
  Seen seen;
  const auto line = [&](std::string_view text) {
    tune::ReportLine report;
    if (!reader.read(text, report)) return seen.errors.push_back(reader.error());
    if (report.metrics.size() > 0) {
      if (!report.metrics.names || report.metrics.names->size() != report.metrics.size()) std::abort();
      const std::set<std::string> names(report.metrics.names->begin(), report.metrics.names->end());
      if (names.size() != report.metrics.size()) std::abort();
    }
    if (report.step && *report.step < 0) std::abort();
    seen.metrics.push_back(report.metrics);
  };
  for (std::size_t at = 0; at < bytes.size(); at += chunk) cutter.feed(bytes.substr(at, chunk), line);
  cutter.finish(line);
  return seen;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes{reinterpret_cast<const char*>(data), size};
  const Seen whole = read(bytes, size + 1), pieces = read(bytes, 7);
  if (whole.errors != pieces.errors || !(whole.metrics == pieces.metrics)) std::abort();
  return 0;
}
