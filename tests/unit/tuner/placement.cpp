// SPDX-License-Identifier: Apache-2.0
#include "tuner/placement.hpp"

#include <catch2/catch.hpp>

using namespace tune;

namespace {
Resources want(double cpus, double gpus = 0, std::int64_t memory = 0) { return {cpus, gpus, memory, {}}; }
Offer offer(double cpus, int gpus = 0) {
  Offer o;
  o.cpus = cpus;
  for (int i = 0; i < gpus; ++i) o.devices.push_back({i, "GPU-" + std::to_string(i)});
  return o;
}
}  // namespace

TEST_CASE("cpus are given out until none is left, and again when given back", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(2));
  const auto a = p.find(want(1)), b = p.find(want(1));
  REQUIRE(a);
  p.take(*a);
  p.take(*b);
  CHECK_FALSE(p.find(want(1)));
  p.give_back(*a);
  CHECK(p.find(want(1)));
  CHECK(p.capacity(want(0.5)) == 4);
}

TEST_CASE("shares of a device fill one device before the next, whole devices stay whole", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(16, 2));
  for (int i = 0; i < 3; ++i) {
    const auto seat = p.find(want(1, 0.3));
    REQUIRE(seat);
    CHECK(seat->devices == std::vector{0});
    p.take(*seat);
  }
  CHECK(p.find(want(1, 0.3))->devices == std::vector{1});
  CHECK(p.find(want(1, 1))->devices == std::vector{1});
  CHECK_FALSE(p.find(want(1, 2)));
  CHECK(p.possible(want(1, 2)));
}

TEST_CASE("launches ahead are only for trials whose places are interchangeable", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(1, 1));
  p.take(*p.find(want(1)));
  CHECK(p.find(want(1), 1));
  CHECK_FALSE(p.find(want(1, 0.5), 1));
  CHECK_FALSE(p.find(want(1, 0, 1 << 20), 1));
}

TEST_CASE("launches ahead are counted over all workers and spread over them", "[placement]") {
  Placement p;
  for (int w = 0; w < 4; ++w) p.join(WorkerId{w}, offer(1));
  int seats = 0;
  for (std::optional<Seat> s; (s = p.find(want(1), 4)) && seats < 100; ++seats) p.take(*s);
  CHECK(seats == 8);
  CHECK(p.cpus_taken() == 8);
  CHECK(p.overbooked());
  for (int w = 0; w < 4; ++w) p.leave(WorkerId{w});
  CHECK(p.cpus_offered() == 0);
}

TEST_CASE("a worker that left gets no new trials", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(4));
  const auto seat = *p.find(want(1));
  p.take(seat);
  p.leave(WorkerId{0});
  CHECK_FALSE(p.find(want(1)));
  p.give_back(seat);
  CHECK(p.cpus_taken() == 0);
}

TEST_CASE("what only a worker that left could hold is impossible until one like it joins", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(2));
  p.join(WorkerId{1}, offer(8));
  CHECK(p.possible(want(8)));
  p.leave(WorkerId{1});
  CHECK_FALSE(p.possible(want(8)));
  p.take_back(WorkerId{1});  // It was not set aside: it is gone.
  CHECK_FALSE(p.possible(want(8)));
  p.join(WorkerId{1}, offer(8));
  CHECK(p.find(want(8)));
}

TEST_CASE("a worker that is set aside gets no seats, and is waited for until it is taken back", "[placement]") {
  Placement p;
  p.join(WorkerId{0}, offer(4));
  p.set_aside(WorkerId{0});
  CHECK_FALSE(p.find(want(1)));
  CHECK(p.capacity(want(1)) == 0);
  CHECK(p.possible(want(4)));
  p.take_back(WorkerId{0});
  CHECK(p.find(want(4)));
  p.set_aside(WorkerId{0});
  p.leave_all();
  CHECK_FALSE(p.has_workers());
}

TEST_CASE("a worker that lacks a required label is as if it were not here", "[placement]") {
  Placement p({"gpu=a100", "fast"});
  p.join(WorkerId{0}, offer(8));
  p.label(WorkerId{1}, {"gpu=h100", "fast"});
  p.join(WorkerId{1}, offer(8));
  CHECK_FALSE(p.find(want(1)));
  CHECK_FALSE(p.possible(want(1)));
  CHECK_FALSE(p.has_workers());
  CHECK(p.capacity(want(1)) == 0);
  p.label(WorkerId{2}, {"os=linux", "gpu=a100", "fast=very"});
  p.join(WorkerId{2}, offer(2));
  CHECK(p.find(want(1))->worker == WorkerId{2});
  CHECK(p.capacity(want(1)) == 2);
  CHECK(p.cpus_offered() == 2);
  p.join(WorkerId{2}, offer(3));  // It offers more, and bears what it bore.
  CHECK(p.capacity(want(1)) == 3);
}

TEST_CASE("a label is a name or a name and its value", "[placement]") {
  for (const auto* label : {"fast", "gpu=a100", "example.org/zone=eu-1", "x=a=b"}) CHECK(is_label(label));
  for (const auto* label : {"", "=", "=x", "gpu=", "gpu = a", "a b", "x=a,b", "x=\n", "caf\xc3\xa9"}) CHECK_FALSE(is_label(label));
  CHECK(lacking({"gpu=a100"}, {"gpu", "gpu=a100", "gpu=h100", "gp"}) == std::vector<std::string>{"gpu=h100", "gp"});
}
