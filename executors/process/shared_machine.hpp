// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <optional>

#include "tuner/facts.hpp"
#include "tuner/resources.hpp"

namespace tune {

/// One experiment's share of this machine, which all experiments that this process runs divide among themselves. A trial
/// starts when its seat is free of all of them, in the order in which they asked; an experiment of which nothing runs need
/// not wait for CPUs, so that none stands still. Accelerators are never given to two beyond their whole.
///
/// The room for CPUs is the largest that any of the experiments was offered (`executor.parallel` may ask for more than
/// there are). Alone, an experiment has what it was offered. Any thread for each share, one at a time.
class SharedMachine {
 public:
  /// `freed` is called, from another experiment's thread, when something was given back while this one waits. It must not
  /// come back here.
  SharedMachine(double cpus, std::function<void()> freed);
  /// Gives everything back.
  ~SharedMachine();
  SharedMachine(const SharedMachine&) = delete;
  SharedMachine& operator=(const SharedMachine&) = delete;

  /// Holds the seat, or (false) waits for it from now on: others that ask later do not overtake.
  bool take(const Seat&);
  void give_back(const Seat&);
  /// What was waited for is not wanted any more.
  void wait_no_more();

 private:
  struct House;
  static House& house();

  const double cpus_offered_;
  const std::function<void()> freed_;
  int held_ = 0;
  double cpus_ = 0;
  std::map<int, double> shares_;  // Of devices.
  std::optional<Seat> wanted_;
  std::uint64_t since_ = 0;       // Order of the wish.
};

}  // namespace tune
