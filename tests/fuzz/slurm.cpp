// SPDX-License-Identifier: Apache-2.0
// Lines of squeue and lists of nodes on any bytes: what comes out is printable, bounded, and no list is longer than it may be.
#include "executors/engines/slurm.hpp"

#include <cstdint>
#include <cstdlib>

using namespace tune;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* bytes, std::size_t size) {
  const std::string_view text{reinterpret_cast<const char*>(bytes), size};
  detail::slurm_state(text);
  if (const auto job = detail::read_slurm_job(text)) {
    if (job->id.empty() || job->name.empty() || printable(job->state) != job->state) std::abort();
  }
  const auto nodes = detail::slurm_nodes(text);
  if (nodes.size() > 4096) std::abort();
  for (const auto& node : nodes)
    if (node.find('\033') != std::string::npos) std::abort();
  return 0;
}
