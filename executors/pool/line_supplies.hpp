// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "executors/link/line.hpp"
#include "executors/pool/messages.hpp"
#include "executors/staging.hpp"
#include "executors/supplies.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What the trials of an experiment are given, over an agent's line: brought once for all of them, and for all experiments that are
/// given the same.
class LineSupplies final : public Supplies {
 public:
  /// The line, the staging and `ending` (as in patiently()) outlive it.
  LineSupplies(Line&, Staging&, const Spec&, std::vector<SupplyName>, const std::atomic<bool>& ending);

  Result<SupplyPlaces> bring() override;
  std::string what() const override;
  /// Nobody waits for it any more: bring() ends with its next part. Any thread.
  void give_up() { given_up_ = true; }

 private:
  Result<SupplyPlaces> bring_all();

  Line& line_;
  Staging& staging_;
  const std::vector<SupplyName> supplies_;
  const std::atomic<bool>& ending_;
  std::atomic<bool> given_up_ = false;
  std::mutex mutex_;  // One brings, the others wait for it.
  SupplyPlaces shared_;
  std::vector<Staging::Staged> staged_;
};

/// What every machine should see at the experiment's own path, and this one does not; empty: all of it is here. `mark` is what the coordinator
/// left in the checkpoints' folder.
std::string unseen_here(const Spec&, const std::string& mark);
/// Where it leaves that.
std::string mark_of_checkpoints(const Spec&);

}  // namespace tune
