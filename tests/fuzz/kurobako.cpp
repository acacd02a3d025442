// SPDX-License-Identifier: Apache-2.0
// A kurobako solver on any lines: every reply is a JSON object on one line with a type that the protocol knows.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/json_document.hpp"
#include "ui/api/kurobako.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  tune::KurobakoOptions options;
  options.search = "random";
  const auto solver = tune::KurobakoSolver::make(options);
  if (!solver) std::abort();
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    if (const auto reply = (*solver)->answer(rest.substr(0, end))) {
      const auto parsed = tune::parse_json(*reply, 0, [](const tune::JsonFault&) { std::abort(); });
      const auto* type = parsed ? parsed->find("type") : nullptr;
      if (!type || reply->find('\n') != std::string::npos) std::abort();
      const auto& word = type->value.text;
      if (word != "ASK_REPLY" && word != "TELL_REPLY" && word != "ERROR_REPLY") std::abort();
    }
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}
