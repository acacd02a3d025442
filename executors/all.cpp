// SPDX-License-Identifier: Apache-2.0
#include "executors/all.hpp"

#include "executors/simulator.hpp"
#include "executors/thread.hpp"

namespace tune {

std::span<const ExecutorEntry> executors() {
  static const ExecutorEntry all[] = {thread(), simulator()};
  return all;
}

}  // namespace tune
