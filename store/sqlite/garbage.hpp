// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "store/sqlite/reader.hpp"

namespace tune {

/// What lies in a store's folder of checkpoints, `<store>.d/checkpoints`, and what of it is any experiment's.
struct CheckpointCensus {
  struct Kept {
    std::string experiment;
    std::int64_t count = 0, bytes = 0;  ///< As they were saved.
  };
  std::vector<Kept> kept;              ///< By experiment, in the store's order; those without checkpoints left out.
  std::vector<std::string> garbage;    ///< Names below the folder that no journal refers to, sorted.
  std::vector<std::string> missing;    ///< Checkpoints that a journal takes for kept and that are not there.
  std::vector<std::string> open;       ///< Experiments that a process owns: what it just saved may not be in its journal yet.
};

/// Reads every experiment of the store and lists the folder. O(checkpoints ever saved).
Result<CheckpointCensus> count_checkpoints(const StoreReader&, const std::string& store);

}  // namespace tune
