// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <map>
#include <optional>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/resources.hpp"

namespace tune {

/// What an attempt holds of this machine: the seats of its ranks here, together.
struct Claim {
  double cpus = 0;
  std::map<int, double> devices;  ///< Device index to share.
  explicit Claim(const std::vector<Seat>& ranks);
};

/// One experiment's share of this machine, which all experiments that this process runs divide among themselves. A trial
/// starts when what it claims is free of all of them, in the order in which they asked; an experiment of which nothing runs need
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

  /// Holds it, or (false) waits for it from now on: others that ask later do not overtake. Not with `wait` false.
  bool take(const Claim&, bool wait = true);
  void give_back(const Claim&);
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
  std::optional<Claim> wanted_;
  std::uint64_t since_ = 0;       // Order of the wish.
};

}  // namespace tune
