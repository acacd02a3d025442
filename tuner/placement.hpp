// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tuner/labels.hpp"
#include "tuner/resources.hpp"

namespace tune {

/// Who fits where: free room of every worker, folded from facts. Workers are kept in order of their room, so that a question
/// costs O(log workers), and O(workers x devices) at most where devices, memory or custom resources decide.
///
/// Workers come and go. One that left (it was lost, or is draining) counts for nothing until it joins anew: an executor that
/// expects one back calls it suspect, and lost only once it is gone. One that is set aside (cordoned, quarantined) gets no
/// new seats, but whoever said so can take that back, and what only it could hold waits for that. While nobody is here
/// nothing is called impossible, for the first worker may be about to join. A bigger one than those that are here is not
/// waited for: no sweep shall hang over night for a worker that nobody promised.
///
/// Where labels are required, workers that lack one are as if they were not here: the first that bears them may be about to join.
class Placement {
 public:
  explicit Placement(std::vector<std::string> required = {}) : required_(std::move(required)) {}

  /// Those that it bears from now on; none until this is said.
  void label(WorkerId, const std::vector<std::string>&);
  /// It is here, with this much; also one that had left, or was set aside. Workers of one group (an allocation) are sure to reach
  /// one another.
  void join(WorkerId, const Offer&, const std::string& group = {});
  void rejoin(WorkerId, const Offer&);  ///< With what it has now, in the group it was in.
  /// No new seats there, as after leave() and leave_all(); seats already taken stay in the books until they are given back.
  void set_aside(WorkerId);
  /// What was set aside gets seats again; nothing for one that left.
  void take_back(WorkerId);
  void leave(WorkerId);
  /// Another process took over: workers join anew.
  void leave_all();

  /// A seat for `wanted` on the worker with the least room that fits it. Over all workers `ahead` more trials of this size
  /// than fit may hold a seat, on the worker with the shortest queue: launches decided before their slot is free (only for
  /// trials that need no device and no memory guarantee, whose places are interchangeable).
  std::optional<Seat> find(const Resources& wanted, int ahead = 0) const;
  /// The same on any other worker than this one, with nothing taken ahead.
  std::optional<Seat> find_elsewhere(const Resources& wanted, WorkerId than) const;
  /// Seats for all ranks, those of a worker side by side, or (empty) for none: on the one worker that they fill best, else on the
  /// few that have most room, else on nothing. Nothing is ever taken ahead for a gang: its ranks would wait for one another.
  /// O(workers with room for a rank).
  std::vector<Seat> find(const Resources& each, const Gang&) const;
  /// The workers that are here or set aside could hold it if they were empty.
  bool possible(const Resources& each, const Gang& = {}) const;
  void take(const Seat&);
  void give_back(const Seat&);

  double cpus_offered() const { return offered_; }  ///< By the workers that are here.
  double cpus_taken() const { return taken_; }
  bool overbooked() const;  ///< More is taken than is offered.
  bool has_workers() const;  ///< That are here or set aside, and bear what is required.
  /// How many trials of this size the workers that are here hold together when empty; of gangs a bound, for what is left on a
  /// worker may be of no use.
  int capacity(const Resources& each, const Gang& = {}) const;

 private:
  enum class Presence : std::uint8_t { gone, aside, here };
  struct Place {
    Offer offer;
    std::string group;
    Presence presence = Presence::gone;
    bool suits = true;               ///< It bears what is required.
    double listed = 0;               ///< Its room in by_room_.
    double listed_offer = 0;         ///< What it counts for in offered_.
    double cpus = 0;                 ///< Taken.
    std::int64_t memory_bytes = 0;
    std::map<int, double> devices;   ///< Device index to the share taken.
    std::map<std::string, double> custom;
  };
  static std::optional<Seat> seat(WorkerId, const Place&, const Resources&, double slack_cpus);
  static std::vector<Seat> seats(WorkerId, Place, const Resources& each, std::size_t most);
  static void hold(Place&, const Seat&);
  void change(WorkerId, Presence from, Presence to);
  void order(WorkerId, Place&);
  Place& place(WorkerId);

  std::vector<std::string> required_;
  std::map<WorkerId, Place> workers_;
  std::set<std::pair<double, WorkerId>> by_room_;  // Free cpus of those that are here and suit.
  double offered_ = 0, taken_ = 0;
};

}  // namespace tune
