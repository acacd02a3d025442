// SPDX-License-Identifier: Apache-2.0
// A plan of ranks: any bytes are one or an error of one line, and one that is read is whole, can be written and read again,
// and gives each of its ranks an environment.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "executors/process/ranks.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto plan = tune::parse_ranks_plan({reinterpret_cast<const char*>(data), size});
  if (!plan) {
    const auto& message = plan.error().message;
    return message.empty() || message.find('\n') != std::string::npos ? (std::abort(), 0) : 0;
  }
  const auto text = tune::to_json(*plan);
  const auto again = tune::parse_ranks_plan(text);
  if (!again || tune::to_json(*again) != text) std::abort();
  if (tune::node_of(*plan, plan->first) != plan->node || tune::node_of(*plan, plan->first + plan->count - 1) != plan->node) std::abort();
  if (plan->world > 64) return 0;  // Each environment names all ranks.
  const std::vector<std::string> env = {"TUNE_FD=3", R"(TUNE_RESOURCES={"cpu":4,"memory_bytes":8,"gpu_ids":[0,1],"gpu_share":1})", "SLURM_JOB_ID=1"};
  for (int rank = plan->first; rank < plan->first + plan->count; ++rank)
    if (tune::value_in(tune::environment_of_rank(*plan, rank, env), "RANK") != std::to_string(rank)) std::abort();
  if (!tune::framework_command(*plan, env, {"program"})) std::abort();
  return 0;
}
