// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <time.h>

#include "tuner/time.hpp"

namespace tune {
namespace detail {
inline double seconds_of(clockid_t clock) {
  timespec t{};
  ::clock_gettime(clock, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}
}  // namespace detail

/// Seconds since this machine was started, suspend included; the same for all its processes. Any thread.
inline double boot_seconds() { return detail::seconds_of(CLOCK_BOOTTIME); }

/// The clock of what runs in real time: seconds since the epoch when it was made, and from then on only forward, also
/// through suspend. Any thread.
class EdgeClock {
 public:
  Time now() const { return {wall_ + (boot_seconds() - boot_)}; }

 private:
  double wall_ = detail::seconds_of(CLOCK_REALTIME), boot_ = boot_seconds();
};

}  // namespace tune
