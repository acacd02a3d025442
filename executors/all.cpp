// SPDX-License-Identifier: Apache-2.0
#include "executors/all.hpp"

#include "executors/simulator.hpp"

namespace tune {

std::span<const ExecutorEntry> executors() {
  static const ExecutorEntry all[] = {simulator()};
  return all;
}

}  // namespace tune
