// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

/// The ranks of one attempt on this machine: what the one process that stands for them has to know (launch_ranks). Whoever
/// placed them makes it, and hands it over as JSON on a command line.
struct RanksPlan {
  /// Who starts the ranks: we do, with the variables of c10d's `env://`; or a program that does it its own way.
  enum class Launch { env, torchrun, mpirun, srun };
  /// A machine: by a name or address that the others reach it by, for srun as Slurm calls it.
  struct Host {
    std::string name;
    int ranks = 1;
    bool operator==(const Host&) const = default;
  };

  int first = 0, count = 1, world = 1;    ///< Ranks first … first + count - 1 of world live here.
  int node = 0, nodes = 1;                ///< This machine among those of the gang; rank 0 lives on node 0.
  std::string address;                    ///< Of node 0, as the others see it: MASTER_ADDR.
  int port = 0;                           ///< Free there: MASTER_PORT.
  std::vector<Host> hosts;                ///< Every machine, in the order of its ranks.
  std::vector<std::vector<int>> devices;  ///< Of each rank here, as TUNE_RESOURCES numbers them; empty: none were asked for.
  Launch launch = Launch::env;
  std::string folder;                     ///< Absolute. For first_rank.json and the logs of ranks other than 0; made if missing.
  bool operator==(const RanksPlan&) const = default;
};

std::string to_json(const RanksPlan&);

/// Error::invalid says in one line what is wrong: a member that is missing, unknown, out of range or at odds with the others.
/// Names and addresses are plain (letters, digits, dots, hyphens, underscores; colons where no program would take them for
/// something else), so that none can be taken for an option or a list. At most 65536 ranks.
Result<RanksPlan> parse_ranks_plan(std::string_view json);

/// The machine on which a rank lives.
int node_of(const RanksPlan&, int rank);

/// `env`, which is that of the whole attempt on this machine, as one of the ranks of this machine is to see it. docs/ranks.md
/// lists what is set; only rank 0 keeps the ways to report.
std::vector<std::string> environment_of_rank(const RanksPlan&, int rank, std::vector<std::string> env);

/// What starts the ranks where we do not: torchrun those of each machine, mpirun and srun all of them from node 0. Each is
/// started as `each`, a command that knows its rank when it runs. Empty: this machine starts nothing. Error::invalid where
/// srun has no allocation to start them in.
Result<std::vector<std::string>> framework_command(const RanksPlan&, const std::vector<std::string>& env, const std::vector<std::string>& each);

/// The value of a variable; empty if it is not there.
std::string_view value_in(const std::vector<std::string>& env, std::string_view name);

}  // namespace tune
