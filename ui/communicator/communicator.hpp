// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>

#include "tuner/communicator.hpp"

namespace tune {

/// How long a rank waits for the others. A dead machine is found out within a minute whatever is said here.
struct RankTimeouts {
  /// Until all have come. Ranks of a trial are started together; what differs is how long each takes to get here.
  std::chrono::milliseconds join = std::chrono::seconds(60);
  /// Within a call, without a word from those it waits for. One rank may be writing a checkpoint or waiting for a decision meanwhile.
  std::chrono::milliseconds call = std::chrono::minutes(30);
};

/// The communicator of this program, from RANK, WORLD_SIZE, MASTER_ADDR and MASTER_PORT, as `tune` and other launchers set them. Of one rank
/// where WORLD_SIZE is not set, so that the program runs by hand. In a tune that was built with MPI a program that mpirun or srun started
/// gets one over MPI. Returns when all ranks are there. Throws CommunicatorError: a variable is missing or wrong, somebody has not
/// come in time, or what listens at the address is not rank 0 of this trial.
std::unique_ptr<Communicator> communicator_from_environment(RankTimeouts = {});

/// What a communicator over TCP has to know.
struct TcpRank {
  int rank = 0, size = 1;
  std::string address = "127.0.0.1";  ///< Of rank 0, as the others reach it.
  std::uint16_t port = 0;
  std::string group = {};  ///< The trial and attempt, say: ranks that name another one are turned away. At most 1000 bytes.
  RankTimeouts timeouts = {};
};

/// Over TCP, with rank 0 in the middle: it alone listens (on all of its machine's addresses where `address` is a name, otherwise there only),
/// adds up, in the order of the ranks, and hands out. Nothing is encrypted: for networks whose machines trust one another.
///
/// Cost of an all-reduce of n bytes with N ranks: rank 0 receives and sends (N-1) n bytes, in blocks that overlap, the others n each; two
/// waits for the network. docs/ranks.md has figures, and says when something else is the better choice. Memory: one block of 256 KiB.
std::unique_ptr<Communicator> tcp_communicator(const TcpRank&);

}  // namespace tune
