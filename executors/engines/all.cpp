// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/command.hpp"
#include "executors/engines/engine.hpp"
#include "executors/engines/kubernetes.hpp"
#include "executors/engines/ray.hpp"
#include "executors/engines/slurm.hpp"

namespace tune {

std::span<const EngineEntry> engines() {
  static const EngineEntry all[] = {slurm(), ray(), kubernetes(), command()};
  return all;
}

}  // namespace tune
