// SPDX-License-Identifier: Apache-2.0
// Lists among a scheduler's options, which travel as JSON text: a list of such things, or refused.
#include "schedulers/lists.hpp"

#include <cstdint>
#include <cstdlib>

using namespace tune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const Value text = std::string{reinterpret_cast<const char*>(bytes), size};
  const auto numbers = detail::numbers_of(&text);
  const auto texts = detail::texts_of(&text);
  // A list of both is empty.
  if (numbers && texts && !(numbers->empty() && texts->empty())) std::abort();
  if (const auto lines = detail::schedule_of(&text); lines && lines->size() > size) std::abort();
  return 0;
}
