// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"

namespace tune {

/// Decides how many agents an engine is asked for, and which are let go. A policy as a Scheduler is: pure, it learns records and
/// answers questions; a question changes its answer once the decision that it led to has been learned. One thread.
class Allocator {
 public:
  virtual ~Allocator() = default;
  /// The history has already folded the record in.
  virtual void learn(const History&, const Record&) = 0;
  /// An Allocate or a Release. While the experiment is finishing it is asked once nothing is live: then the Release of whatever
  /// is not let go yet, until there is none.
  virtual std::optional<Decided> next(const History&) const = 0;
  /// When next() could change its answer although nothing is observed.
  virtual std::optional<Time> wake_at(const History&) const = 0;
  /// Of allocations that are not known to be over: after a restart these are carried out again, which changes nothing where the
  /// engine has them. One that was to be cancelled has its Release first, so that it is not submitted once more in between.
  virtual std::vector<Decided> unsettled() const = 0;
};

}  // namespace tune
