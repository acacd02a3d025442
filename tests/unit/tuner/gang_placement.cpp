// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "tuner/placement.hpp"

using namespace tune;

namespace {

Offer offer(double cpus, int gpus = 0) {
  Offer o;
  o.cpus = cpus;
  for (int i = 0; i < gpus; ++i) o.devices.push_back({i, "GPU-" + std::to_string(i)});
  return o;
}
Resources want(double cpus, double gpus = 0) { return {cpus, gpus, 0, {}}; }

std::vector<std::int64_t> workers(const std::vector<Seat>& seats) {
  std::vector<std::int64_t> all;
  for (const auto& seat : seats) all.push_back(seat.worker.value);
  return all;
}

}  // namespace

TEST_CASE("a gang sits on the one worker that it fills best", "[placement][gangs]") {
  Placement p;
  p.join(WorkerId{1}, offer(16));
  p.join(WorkerId{2}, offer(4));
  p.join(WorkerId{3}, offer(3));
  CHECK(workers(p.find(want(1), Gang{4})) == std::vector<std::int64_t>{2, 2, 2, 2});
}

TEST_CASE("a gang that no worker holds alone sits on as few as will do, ranks of one side by side", "[placement][gangs]") {
  Placement p;
  for (int w = 1; w <= 4; ++w) p.join(WorkerId{w}, offer(w));
  CHECK(workers(p.find(want(1), Gang{6})) == std::vector<std::int64_t>{4, 4, 4, 4, 3, 3});
  CHECK(workers(p.find(want(2), Gang{4})) == std::vector<std::int64_t>{4, 4, 3, 2});
}

TEST_CASE("a gang that is to be spread sits on as many workers as there are", "[placement][gangs]") {
  Placement p;
  for (int w = 1; w <= 3; ++w) p.join(WorkerId{w}, offer(4));
  CHECK(workers(p.find(want(1), Gang{4, true})) == std::vector<std::int64_t>{3, 3, 2, 1});
}

TEST_CASE("a gang has seats for all ranks or none", "[placement][gangs]") {
  Placement p;
  p.join(WorkerId{1}, offer(2)), p.join(WorkerId{2}, offer(1));
  CHECK(p.find(want(1), Gang{4}).empty());
  CHECK_FALSE(p.possible(want(1), Gang{4}));
  const auto seats = p.find(want(1), Gang{3});
  REQUIRE(seats.size() == 3);
  for (const auto& seat : seats) p.take(seat);
  CHECK(p.find(want(1), Gang{2}).empty());
  CHECK(p.possible(want(1), Gang{3}));
  for (const auto& seat : seats) p.give_back(seat);
  CHECK(p.find(want(1), Gang{3}).size() == 3);
}

TEST_CASE("ranks of one trial get different devices, and share them where they ask for shares", "[placement][gangs]") {
  Placement p;
  p.join(WorkerId{1}, offer(8, 2)), p.join(WorkerId{2}, offer(8, 1));
  const auto whole = p.find(want(1, 1), Gang{3});
  REQUIRE(whole.size() == 3);
  CHECK(workers(whole) == std::vector<std::int64_t>{2, 1, 1});
  CHECK(whole[1].devices == std::vector{0});
  CHECK(whole[2].devices == std::vector{1});
  const auto shares = p.find(want(1, 0.5), Gang{4});
  REQUIRE(workers(shares) == std::vector<std::int64_t>{1, 1, 1, 1});
  CHECK(shares[1].devices == std::vector{0});
  CHECK(shares[2].devices == std::vector{1});
  CHECK(p.find(want(1, 1), Gang{4}).empty());
}

TEST_CASE("ranks of one trial are in one allocation, unless the config says that they may be anywhere", "[placement][gangs]") {
  Placement p;
  p.join(WorkerId{1}, offer(2), "a"), p.join(WorkerId{2}, offer(2), "b"), p.join(WorkerId{3}, offer(1), "b");
  CHECK(workers(p.find(want(1), Gang{3})) == std::vector<std::int64_t>{2, 2, 3});
  CHECK(p.find(want(1), Gang{4}).empty());
  CHECK_FALSE(p.possible(want(1), Gang{4}));
  CHECK(p.find(want(1), Gang{5, false, true}).size() == 5);
  p.rejoin(WorkerId{3}, offer(4));
  CHECK(workers(p.find(want(1), Gang{4})) == std::vector<std::int64_t>{3, 3, 3, 3});
  CHECK(workers(p.find(want(1), Gang{6})) == std::vector<std::int64_t>{3, 3, 3, 3, 2, 2});
}
