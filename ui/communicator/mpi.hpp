// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>

#include "tuner/communicator.hpp"

namespace tune::detail {

/// mpirun, or srun with --mpi, started this program.
bool started_by_mpi();

/// All of MPI_COMM_WORLD. MPI is initialised unless it is already, and then finalised when the object goes; if an exception ends it, the
/// whole world is aborted, for the others would wait for ever. Throws CommunicatorError in a tune that was built without TUNE_MPI.
std::unique_ptr<Communicator> mpi_communicator();

}  // namespace tune::detail
