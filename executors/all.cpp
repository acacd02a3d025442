// SPDX-License-Identifier: Apache-2.0
#include "executors/all.hpp"

#include "executors/process/process_executor.hpp"
#include "executors/simulator.hpp"
#include "executors/thread.hpp"

namespace tune {

std::span<const ExecutorEntry> executors() {
  static const ExecutorEntry all[] = {process(), thread(), simulator()};
  return all;
}

}  // namespace tune
