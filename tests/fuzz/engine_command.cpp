// SPDX-License-Identifier: Apache-2.0
// Templates, tables of states and patterns of the command engine on any bytes: filled or refused, and what has no $ stays.
#include <cstdint>
#include <cstdlib>

#include "executors/engines/command.hpp"

using namespace tune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string text{reinterpret_cast<const char*>(bytes), size};
  const auto filled = detail::fill(text, {{"id", "7"}, {"key", ""}});
  if (text.find('$') == std::string::npos && (!filled || *filled != text)) std::abort();
  if (const auto table = detail::StateTable::parse({text}); table && table->words.size() + table->exits.size() != 1) std::abort();
  if (const auto found = detail::first_match(text, "id=([a-z0-9.]+)"); found && text.find(*found) == std::string::npos) std::abort();
  return 0;
}
