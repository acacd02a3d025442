// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executors/engines/engine.hpp"

namespace tune {

/// Slurm by its command line (sbatch, squeue, sacct, scancel): no library and no REST server is needed, and a site's wrappers
/// count. An allocation is one job of N nodes whose script starts one agent a node by one `srun`. docs/executors/slurm.md
EngineEntry slurm();

namespace detail {

/// What one of Slurm's words for a job's state means for us ("CANCELLED by 0" and "CANCELLED+" are CANCELLED); a word that we do
/// not know is unknown.
AllocationState slurm_state(std::string_view word);

/// One job as squeue and sacct tell it: ID|STATE|END|NODES|NAME|REASON, the reason to the end of the line.
struct SlurmJob {
  std::string id, name, state, reason;
  std::vector<std::string> nodes;
  std::optional<Time> end;
};
std::optional<SlurmJob> read_slurm_job(std::string_view line);

/// "n[1-3,07],gpu1" as names, in order; at most 4096 of them. What is no such list comes back as one name.
std::vector<std::string> slurm_nodes(std::string_view list);

/// The options of sbatch for an allocation, and the script that it reads from stdin.
std::vector<std::string> sbatch_options(const AgentSpec&, const std::string& key, const std::string& folder, const std::string& gres);
std::string slurm_script(const AgentSpec&, const std::string& key);

}  // namespace detail
}  // namespace tune
