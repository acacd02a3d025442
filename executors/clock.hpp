// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <time.h>

#include "tuner/time.hpp"

namespace tune {

/// The clock of what runs in real time: seconds since the epoch when it was made, and from then on only forward, also
/// through suspend. Any thread.
class EdgeClock {
 public:
  Time now() const { return {wall_ + (seconds(CLOCK_BOOTTIME) - boot_)}; }

 private:
  static double seconds(clockid_t clock) {
    timespec t{};
    ::clock_gettime(clock, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
  }
  double wall_ = seconds(CLOCK_REALTIME), boot_ = seconds(CLOCK_BOOTTIME);
};

}  // namespace tune
