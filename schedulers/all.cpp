// SPDX-License-Identifier: Apache-2.0
#include "schedulers/all.hpp"

#include "schedulers/asha.hpp"
#include "schedulers/fifo.hpp"
#include "schedulers/hyperband.hpp"
#include "schedulers/median.hpp"

namespace tune {

std::span<const SchedulerEntry> schedulers() {
  static const SchedulerEntry all[] = {fifo(), median(), asha(), hyperband()};
  return all;
}

}  // namespace tune
