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
  bool has_devices(const Seat& seat) const {
    return std::all_of(seat.devices.begin(), seat.devices.end(), [&](int device) {
      const auto it = shares.find(device);
      return it == shares.end() || it->second + seat.device_share <= 1 + kSlack;
    });
  }
  /// Somebody who asked before `us` would have to wait longer if we took this seat.
  bool overtakes(const SharedMachine& us, const Seat& seat) const {
    return std::any_of(all.begin(), all.end(), [&](const SharedMachine* other) {
      if (other == &us || !other->wanted_ || (us.wanted_ && us.since_ < other->since_)) return false;
      if (has_devices(*other->wanted_)) return true;
      const auto& theirs = other->wanted_->devices;
      return std::find_first_of(theirs.begin(), theirs.end(), seat.devices.begin(), seat.devices.end()) != theirs.end();
    });
  }
  void hold(SharedMachine& one, const Seat& seat, double sign) {
    for (auto* sum : {&cpus, &one.cpus_}) *sum += sign * seat.cpus;
    for (const int device : seat.devices)
      for (auto* sums : {&shares, &one.shares_}) (*sums)[device] += sign * seat.device_share;
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

bool SharedMachine::take(const Seat& seat) {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  const bool free = all.has_devices(seat) && all.cpus + seat.cpus <= all.room() + kSlack && !all.overtakes(*this, seat);
  // Alone, or with nothing of ours under way: whoever gets nothing while others go on would stand still.
  const bool must = held_ == 0 && (seat.devices.empty() || (all.has_devices(seat) && !all.overtakes(*this, seat)));
  if (!free && !must) {
    if (!wanted_) since_ = ++all.wishes;
    wanted_ = seat;
    return false;
  }
  wanted_.reset();
  ++held_;
  all.hold(*this, seat, +1);
  return true;
}

void SharedMachine::give_back(const Seat& seat) {
  auto& all = house();
  const std::lock_guard lock(all.mutex);
  --held_;
  all.hold(*this, seat, -1);
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
