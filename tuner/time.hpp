// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>

namespace tune {

/// Seconds since the Unix epoch as the edge's clock tells them; virtual seconds in the simulator.
/// Within an experiment it never goes back. The core never reads a clock: time comes in on records.
struct Time {
  double seconds = 0;
  auto operator<=>(const Time&) const = default;
};

struct Duration {
  double seconds = 0;
  auto operator<=>(const Duration&) const = default;
};

inline Time operator+(Time t, Duration d) { return {t.seconds + d.seconds}; }
inline Duration operator-(Time a, Time b) { return {a.seconds - b.seconds}; }

}  // namespace tune
