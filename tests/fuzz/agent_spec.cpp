// SPDX-License-Identifier: Apache-2.0
// An allocation's description on any bytes: what is read is written again the same, and what is no description is refused.
#include <cstdint>
#include <cstdlib>

#include "executors/engines/engine.hpp"

using namespace tune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const auto spec = agent_spec({reinterpret_cast<const char*>(bytes), size});
  if (!spec) return 0;
  if (spec->agents < 1) std::abort();
  const std::string once = to_json(*spec);
  const auto again = agent_spec(once);
  if (again && to_json(*again) != once) std::abort();
  return 0;
}
