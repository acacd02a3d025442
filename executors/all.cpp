// SPDX-License-Identifier: Apache-2.0
#include "executors/all.hpp"

#include "executors/pool/pool_options.hpp"
#include "executors/process/process_executor.hpp"
#include "executors/simulator.hpp"
#include "executors/thread.hpp"

namespace tune {

std::span<const ExecutorEntry> executors() {
  static const std::vector<ExecutorEntry> all = [] {
    std::vector<ExecutorEntry> table{process(), pool()};
    for (const auto& engine : engines()) table.push_back(on_engine(engine));
    table.insert(table.end(), {thread(), simulator()});
    return table;
  }();
  return all;
}

}  // namespace tune
