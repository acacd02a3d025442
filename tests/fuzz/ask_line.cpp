// SPDX-License-Identifier: Apache-2.0
// Ask and tell by lines: any line has one answer, which is a JSON object on one line.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/config.hpp"
#include "tuner/json_document.hpp"
#include "ui/api/ask_lines.hpp"
#include "ui/api/policies.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto read = tune::read_config(R"({"name": "fuzz", "params": {"x": {"type": "uniform", "min": 0, "max": 1}},
    "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"}})",
                                {tune::catalogue(), "fuzz.json", "/", {}, false});
  tune::SweepOptions options;
  options.store = ":memory:";
  auto experiment = tune::AskTell::open(std::move(*read.spec), options);
  tune::AskLines lines(**experiment);
  std::string_view rest{reinterpret_cast<const char*>(data), size};
  while (!rest.empty()) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto answer = lines.answer(rest.substr(0, end));
    const auto parsed = tune::parse_json(answer, 0, [](const tune::JsonFault&) { std::abort(); });
    if (!parsed || parsed->kind != tune::JsonNode::Kind::object || answer.find('\n') != std::string::npos) std::abort();
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return 0;
}
