// SPDX-License-Identifier: Apache-2.0
#include "schedulers/fifo.hpp"

namespace tune {

SchedulerEntry fifo() {
  return {{"fifo", "Every trial does all its steps, in the order of proposal."},
          [](const SchedulerContext&) -> Result<std::unique_ptr<Scheduler>> {
            return std::unique_ptr<Scheduler>(std::make_unique<Fifo>());
          }};
}

}  // namespace tune
