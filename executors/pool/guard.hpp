// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <sys/types.h>

#include <functional>
#include <string>

#include "executors/descriptor.hpp"
#include "tuner/result.hpp"

namespace tune {

/// A process beside an agent that outlives it by a moment. When the agent dies, and when the time is over until which its trials
/// may live and the agent does nothing about it (it is stopped, it hangs), the guard ends whatever bears the agent's mark and
/// says so to the coordinator: then the trials can be given away at once, and never run twice.
class Guard {
 public:
  /// Forks: call it while there is no other thread. `mark`: as TrialHost::make() got it. `bury` runs in the guard once nothing
  /// of the trials is left; `told` is what tell() said last. Error: there is no room for one more process.
  static Result<Guard> start(const std::string& mark, std::function<void(const std::string& told)> bury);
  Guard(Guard&&) = default;
  /// The agent ends as it should; so does its guard.
  ~Guard();

  /// Trials may live until then, in seconds of CLOCK_BOOTTIME.
  void living(double until) const;
  /// What `bury` will want to know. One line.
  void tell(const std::string& line) const;

 private:
  explicit Guard(Descriptor line) : line_(std::move(line)) {}
  Descriptor line_;
};

}  // namespace tune
