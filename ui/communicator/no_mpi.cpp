// SPDX-License-Identifier: Apache-2.0
#include <cstdlib>

#include "ui/communicator/mpi.hpp"

namespace tune::detail {

// Only what means several ranks for certain: an agent that srun started hands variables of PMIx on to trials of one rank.
bool started_by_mpi() {
  for (const char* name : {"OMPI_COMM_WORLD_SIZE", "PMI_SIZE"})
    if (const char* size = std::getenv(name); size && std::atoi(size) > 1) return true;
  return false;
}

std::unique_ptr<Communicator> mpi_communicator() {
  throw CommunicatorError("this program was started by MPI and its tune was built without: configure with -DTUNE_MPI=ON, or start it with `tune ranks`");
}

}  // namespace tune::detail
