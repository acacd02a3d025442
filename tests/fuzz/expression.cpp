// SPDX-License-Identifier: Apache-2.0
// Any text as a constraint: parsed or refused at a place in the text, and evaluated to the same answer twice.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "tuner/expression.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  std::size_t at = 0;
  const auto parsed = tune::Expression::parse(text, &at);
  if (!parsed) {
    if (at > size) std::abort();
    return 0;
  }
  tune::Params params;
  for (const auto& name : parsed->names()) params.set(name, static_cast<double>(name.size()) - 2);
  if (!parsed->evaluate(params).has_value()) std::abort();
  if (parsed->evaluate(params) != parsed->evaluate(params)) std::abort();
  if (!parsed->names().empty() && parsed->evaluate({})) std::abort();
  return 0;
}
