// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tuner/resources.hpp"

namespace tune {

/// Who fits where: free room of every worker, folded from facts. Workers are kept in order of their room, so that a question
/// costs O(log workers), and O(workers x devices) at most where devices, memory or custom resources decide.
class Placement {
 public:
  void join(WorkerId, const Offer&);
  /// No new seats there; seats already taken stay in the books until they are given back.
  void leave(WorkerId);
  void clear();

  /// A seat for `wanted` on the worker with the least room that fits it. Over all workers `ahead` more trials of this size
  /// than fit may hold a seat, on the worker with the shortest queue: launches decided before their slot is free (only for
  /// trials that need no device and no memory guarantee, whose places are interchangeable).
  std::optional<Seat> find(const Resources& wanted, int ahead = 0) const;
  /// Some worker, empty, could hold it.
  bool possible(const Resources& wanted) const;
  void take(const Seat&);
  void give_back(const Seat&);

  double cpus_offered() const { return offered_; }  ///< By open workers.
  double cpus_taken() const { return taken_; }
  bool has_workers() const { return !workers_.empty(); }
  /// How many trials of this size all workers hold together when empty.
  int capacity(const Resources& each) const;

 private:
  struct Place {
    Offer offer;
    bool open = true;
    double listed = 0;               ///< Its room in by_room_.
    double listed_offer = 0;         ///< What it counts for in offered_.
    double cpus = 0;                 ///< Taken.
    std::int64_t memory_bytes = 0;
    std::map<int, double> devices;   ///< Device index to the share taken.
    std::map<std::string, double> custom;
  };
  static std::optional<Seat> seat(WorkerId, const Place&, const Resources&, double slack_cpus);
  void order(WorkerId, Place&);

  std::map<WorkerId, Place> workers_;
  std::set<std::pair<double, WorkerId>> by_room_;  // Free cpus of the open ones.
  double offered_ = 0, taken_ = 0;
};

}  // namespace tune
