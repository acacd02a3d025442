// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <vector>

#include "executors/descriptor.hpp"
#include "ui/communicator/communicator.hpp"

namespace tune::detail {

/// Rank 0: listens, and returns the connections of ranks 1, 2, … when all of them are there. Strangers are told so and sent away, and
/// hold up nobody. Throws CommunicatorError when the time is up or one that had come has gone; those that are there are told why.
std::vector<Descriptor> await_ranks(const TcpRank&);

/// Any other rank: connects to rank 0, again and again until it is there, and returns when rank 0 says that all are. Throws
/// CommunicatorError when the time is up, or as soon as rank 0 does not want us or is none.
Descriptor join_rank_0(const TcpRank&);

}  // namespace tune::detail
