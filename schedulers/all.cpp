// SPDX-License-Identifier: Apache-2.0
#include "schedulers/all.hpp"

#include "schedulers/asha.hpp"
#include "schedulers/fifo.hpp"

namespace tune {

std::span<const SchedulerEntry> schedulers() {
  static const SchedulerEntry all[] = {fifo(), asha()};
  return all;
}

}  // namespace tune
