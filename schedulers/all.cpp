// SPDX-License-Identifier: Apache-2.0
#include "schedulers/all.hpp"

#include "schedulers/asha.hpp"
#include "schedulers/curve.hpp"
#include "schedulers/fifo.hpp"
#include "schedulers/freeze_thaw.hpp"
#include "schedulers/hyperband.hpp"
#include "schedulers/median.hpp"
#include "schedulers/patience.hpp"
#include "schedulers/pb2.hpp"
#include "schedulers/pbt.hpp"
#include "schedulers/percentile.hpp"
#include "schedulers/racing.hpp"
#include "schedulers/replay.hpp"
#include "schedulers/threshold.hpp"

namespace tune {

std::span<const SchedulerEntry> schedulers() {
  static const SchedulerEntry all[] = {fifo(),       asha(),     hyperband(), pbt(), pb2(), freeze_thaw(), replay(), median(), percentile(),
                                       patience(), threshold(), curve(), racing()};
  return all;
}

}  // namespace tune
