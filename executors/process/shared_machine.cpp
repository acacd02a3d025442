// SPDX-License-Identifier: Apache-2.0
#include "executors/process/shared_machine.hpp"

#include <algorithm>
#include <mutex>
#include <set>
#include <utility>

namespace tune {
namespace {
constexpr double kSlack = 1e-9;  // Shares such as 0.1 do not add up exactly.
}

Claim::Claim(const std::vector<Seat>& ranks) {
  for (const auto& seat : ranks) {
    cpus += seat.cpus;
    for (const int device : seat.devices) devices[device] += seat.device_share;
  }
}

struct SharedMachine::House {
  std::mutex mutex;
  std::set<SharedMachine*> all;
  double cpus = 0;
  std::map<int, double> shares;
  std::uint64_t wishes = 0;

  double room() const {
    double most = 0;
    for (const auto* one : all) most = std::max(most, one->cpus_offered_);
    return most;
  }
  bool has_devices(const Claim& claim) const {
    return std::all_of(claim.devices.begin(), claim.devices.end(), [&](const auto& wanted) {
      const auto it = shares.find(wanted.first);
      return it == shares.end() || it->second + wanted.second <= 1 + kSlack;
    });
  }
  /// Somebody who asked before `us` would have to wait longer if we took this.
  bool overtakes(const SharedMachine& us, const Claim& claim) const {
    return std::any_of(all.begin(), all.end(), [&](const SharedMachine* other) {
      if (other == &us || !other->wanted_ || (us.wanted_ && us.since_ < other->since_)) return false;
      if (has_devices(*other->wanted_)) return true;
      const auto& theirs = other->wanted_->devices;
      return std::any_of(theirs.begin(), theirs.end(), [&](const auto& device) { return claim.devices.contains(device.first); });
    });
  }
  void hold(SharedMachine& one, const Claim& claim, double sign) {
    for (auto* sum : {&cpus, &one.cpus_}) *sum += sign * claim.cpus;
    for (const auto& [device, share] : claim.devices)
      for (auto* sums : {&shares, &one.shares_}) (*sums)[device] += sign * share;
  }
  void wake_others(const SharedMachine& us) const {
    for (const auto* other : all)
      if (other != &us && other->wanted_) other->freed_();
  }
};

SharedMachine::House& SharedMachine::house() {
  static House house;
  return house;
}

SharedMachine::SharedMachine(double cpus, std::function<void()> freed) : cpus_offered_(cpus), freed_(std::move(freed)) {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  all.all.insert(this);
}

SharedMachine::~SharedMachine() {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  all.all.erase(this);
  all.cpus = all.all.empty() ? 0 : all.cpus - cpus_;
  for (const auto& [device, share] : shares_) all.shares[device] -= share;
  if (all.all.empty()) all.shares.clear();
  all.wake_others(*this);
}

bool SharedMachine::take(const Claim& claim, bool wait) {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  const bool free = all.has_devices(claim) && all.cpus + claim.cpus <= all.room() + kSlack && !all.overtakes(*this, claim);
  // Alone, or with nothing of ours under way: whoever gets nothing while others go on would stand still.
  const bool must = held_ == 0 && (claim.devices.empty() || (all.has_devices(claim) && !all.overtakes(*this, claim)));
  if (!free && !must) {
    if (!wait) return false;
    if (!wanted_) since_ = ++all.wishes;
    wanted_ = claim;
    return false;
  }
  if (wait) wanted_.reset();
  ++held_;
  all.hold(*this, claim, +1);
  return true;
}

void SharedMachine::give_back(const Claim& claim) {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  --held_;
  all.hold(*this, claim, -1);
  all.wake_others(*this);
}

void SharedMachine::wait_no_more() {
  if (!wanted_) return;
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  wanted_.reset();
  all.wake_others(*this);
}

}  // namespace tune
