// SPDX-License-Identifier: Apache-2.0
#include "tuner/placement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

namespace tune {
namespace {
constexpr double kRounding = 1e-9;  // Shares like 0.1 + 0.2 + 0.7 shall fill a device.
constexpr int kUncounted = 1'000'000;  // Trials that ask for nothing always fit.
}

void Placement::order(WorkerId id, Place& place) {
  if (by_room_.erase({place.listed, id})) offered_ -= place.listed_offer;
  place.listed = place.offer.cpus - place.cpus;
  place.listed_offer = place.offer.cpus;
  if (place.presence == Presence::here && place.suits && by_room_.insert({place.listed, id}).second) offered_ += place.listed_offer;
}

Placement::Place& Placement::place(WorkerId id) {
  const auto [it, is_new] = workers_.try_emplace(id);
  if (is_new) it->second.suits = required_.empty();
  return it->second;
}

void Placement::label(WorkerId id, const std::vector<std::string>& labels) {
  auto& labelled = place(id);
  labelled.suits = lacking(labels, required_).empty();
  order(id, labelled);
}

void Placement::join(WorkerId id, const Offer& offer, const std::string& group) {
  auto& place = this->place(id);
  place.offer = offer;
  place.group = group;
  place.presence = Presence::here;
  order(id, place);
}

void Placement::rejoin(WorkerId id, const Offer& offer) { join(id, offer, std::string{place(id).group}); }

void Placement::set_aside(WorkerId id) { change(id, Presence::here, Presence::aside); }

void Placement::take_back(WorkerId id) { change(id, Presence::aside, Presence::here); }

void Placement::leave(WorkerId id) {
  change(id, Presence::here, Presence::gone);
  change(id, Presence::aside, Presence::gone);
}

void Placement::leave_all() {
  for (const auto& [id, place] : workers_) leave(id);
}

void Placement::change(WorkerId id, Presence from, Presence to) {
  const auto it = workers_.find(id);
  if (it == workers_.end() || it->second.presence != from) return;
  it->second.presence = to;
  order(id, it->second);
}

std::optional<Seat> Placement::seat(WorkerId id, const Place& place, const Resources& wanted, double slack_cpus) {
  if (place.presence != Presence::here || place.cpus + wanted.cpus > place.offer.cpus + slack_cpus + kRounding) return std::nullopt;
  if (wanted.memory_bytes && place.offer.memory_bytes &&
      place.memory_bytes + wanted.memory_bytes > place.offer.memory_bytes)
    return std::nullopt;
  for (const auto& [name, amount] : wanted.custom) {
    const auto offered = place.offer.custom.find(name);
    const auto taken = place.custom.find(name);
    if (offered == place.offer.custom.end() ||
        (taken == place.custom.end() ? 0 : taken->second) + amount > offered->second + kRounding)
      return std::nullopt;
  }

  Seat seat{id, wanted.cpus, wanted.memory_bytes, {}, 1, wanted.custom};
  if (wanted.gpus <= 0) return seat;
  const auto taken = [&](const Device& d) {
    const auto it = place.devices.find(d.index);
    return it == place.devices.end() ? 0.0 : it->second;
  };
  if (wanted.gpus < 1) {
    // Best fit: the fullest device that still has room, so that whole devices stay whole.
    const Device* best = nullptr;
    for (const auto& d : place.offer.devices)
      if (taken(d) + wanted.gpus <= 1 + kRounding && (!best || taken(d) > taken(*best))) best = &d;
    if (!best) return std::nullopt;
    seat.devices = {best->index};
    seat.device_share = wanted.gpus;
    return seat;
  }
  const auto count = static_cast<std::size_t>(std::lround(wanted.gpus));
  for (const auto& d : place.offer.devices)
    if (seat.devices.size() < count && taken(d) <= kRounding) seat.devices.push_back(d.index);
  if (seat.devices.size() < count) return std::nullopt;
  return seat;
}

std::optional<Seat> Placement::find(const Resources& wanted, int ahead) const {
  const auto first = by_room_.lower_bound({wanted.cpus - kRounding, WorkerId{INT64_MIN}});
  for (auto it = first; it != by_room_.end(); ++it)
    if (auto s = seat(it->second, workers_.at(it->second), wanted, 0)) return s;

  const bool interchangeable = wanted.gpus <= 0 && wanted.memory_bytes == 0 && wanted.custom.empty();
  if (!interchangeable || by_room_.empty() || taken_ + wanted.cpus > offered_ + ahead * wanted.cpus + kRounding)
    return std::nullopt;
  // Waits where the queue is shortest.
  const auto id = by_room_.rbegin()->second;
  if (workers_.at(id).offer.cpus + kRounding < wanted.cpus) return std::nullopt;  // Not even when empty.
  return seat(id, workers_.at(id), wanted, std::numeric_limits<double>::infinity());
}

std::optional<Seat> Placement::find_elsewhere(const Resources& wanted, WorkerId than) const {
  for (auto it = by_room_.lower_bound({wanted.cpus - kRounding, WorkerId{INT64_MIN}}); it != by_room_.end(); ++it)
    if (it->second != than)
      if (auto s = seat(it->second, workers_.at(it->second), wanted, 0)) return s;
  return std::nullopt;
}

/// As many as there is room for, `most` at most.
std::vector<Seat> Placement::seats(WorkerId id, Place place, const Resources& each, std::size_t most) {
  std::vector<Seat> all;
  for (std::optional<Seat> next; all.size() < most && (next = seat(id, place, each, 0)); all.push_back(std::move(*next))) hold(place, *next);
  return all;
}

namespace {

/// So many of the seats on each worker that together they are `ranks`; empty if they are fewer.
std::vector<Seat> deal(std::vector<std::vector<Seat>> workers, std::size_t ranks, bool spread) {
  std::vector<std::size_t> counts(workers.size());
  std::size_t sum = 0;
  const std::size_t turn = spread ? 1 : ranks;  // How many a worker gets before the next one does.
  for (bool any = true; sum < ranks && any;) {
    any = false;
    for (std::size_t w = 0; w < workers.size() && sum < ranks; ++w) {
      const auto more = std::min({turn, workers[w].size() - counts[w], ranks - sum});
      counts[w] += more, sum += more;
      any = any || more > 0;
    }
  }
  std::vector<Seat> all;
  if (sum < ranks) return all;
  for (std::size_t w = 0; w < workers.size(); ++w)
    std::move(workers[w].begin(), workers[w].begin() + static_cast<std::ptrdiff_t>(counts[w]), std::back_inserter(all));
  return all;
}

}  // namespace

std::vector<Seat> Placement::find(const Resources& each, const Gang& gang) const {
  const auto ranks = static_cast<std::size_t>(gang.ranks);
  if (!gang.spread)
    for (auto it = by_room_.lower_bound({each.cpus * gang.ranks - kRounding, WorkerId{INT64_MIN}}); it != by_room_.end(); ++it)
      if (auto all = seats(it->second, workers_.at(it->second), each, ranks); all.size() == ranks) return all;

  struct Found {
    std::vector<std::vector<Seat>> workers;
    std::size_t seats = 0;
  };
  std::map<std::string, Found> groups;
  for (auto it = by_room_.rbegin(); it != by_room_.rend() && it->first + kRounding >= each.cpus; ++it) {
    const Place& place = workers_.at(it->second);
    auto& found = groups[gang.across ? std::string{} : place.group];
    auto all = seats(it->second, place, each, ranks);
    found.seats += all.size();
    if (!all.empty()) found.workers.push_back(std::move(all));
    if (!gang.spread && found.seats >= ranks) return deal(std::move(found.workers), ranks, false);
  }
  for (auto& [name, found] : groups)
    if (found.seats >= ranks) return deal(std::move(found.workers), ranks, true);
  return {};
}

bool Placement::possible(const Resources& each, const Gang& gang) const {
  Placement empty;
  for (const auto& [id, place] : workers_)
    if (place.presence != Presence::gone && place.suits) empty.join(id, place.offer, place.group);
  return gang.ranks > 1 ? !empty.find(each, gang).empty() : empty.find(each).has_value();
}

bool Placement::overbooked() const { return taken_ > offered_ + kRounding; }

bool Placement::has_workers() const {
  return std::any_of(workers_.begin(), workers_.end(), [](const auto& w) { return w.second.presence != Presence::gone && w.second.suits; });
}

void Placement::hold(Place& place, const Seat& seat) {
  place.cpus += seat.cpus;
  place.memory_bytes += seat.memory_bytes;
  for (const int d : seat.devices) place.devices[d] += seat.device_share;
  for (const auto& [name, amount] : seat.custom) place.custom[name] += amount;
}

void Placement::take(const Seat& seat) {
  auto& place = this->place(seat.worker);
  hold(place, seat);
  taken_ += seat.cpus;
  order(seat.worker, place);
}

void Placement::give_back(const Seat& seat) {
  auto& place = this->place(seat.worker);
  place.cpus -= seat.cpus;
  taken_ -= seat.cpus;
  order(seat.worker, place);
  place.memory_bytes -= seat.memory_bytes;
  for (const int d : seat.devices) {
    place.devices[d] -= seat.device_share;
    if (place.devices[d] <= kRounding) place.devices.erase(d);
  }
  for (const auto& [name, amount] : seat.custom) place.custom[name] -= amount;
}

int Placement::capacity(const Resources& each, const Gang& gang) const {
  int count = 0;
  for (const auto& [id, place] : workers_) {
    if (place.presence != Presence::here || !place.suits) continue;
    Placement alone;
    alone.join(id, place.offer);
    for (std::optional<Seat> s; count < kUncounted && (s = alone.find(each)); ++count) alone.take(*s);
  }
  return count / gang.ranks;
}

}  // namespace tune
