// SPDX-License-Identifier: Apache-2.0
#include <signal.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <cstring>
#include <numeric>

#include "support/scratch.hpp"
#include "tuner/rng.hpp"
#include "unit/communicator/rig.hpp"

using namespace tune;
using namespace tune::test;

namespace {

using Clock = std::chrono::steady_clock;

/// Of all sizes, so that the order of additions shows in the last bits.
std::vector<double> draw(int rank, std::size_t count) {
  Rng rng{7, static_cast<std::uint64_t>(rank)};
  std::vector<double> numbers(count);
  for (auto& x : numbers) x = std::exp(20 * rng.normal());
  return numbers;
}

bool same_bits(const std::vector<double>& a, const std::vector<double>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0;
}

std::vector<double> sum_in_order(int size, std::size_t count) {
  std::vector<double> sum = draw(0, count);
  for (int rank = 1; rank < size; ++rank) {
    const auto other = draw(rank, count);
    for (std::size_t i = 0; i < count; ++i) sum[i] += other[i];
  }
  return sum;
}

const std::vector<std::string> kNoComplaint(4);

}  // namespace

TEST_CASE("sums have the same bits on every rank, those of adding up in the order of the ranks", "[communicator]") {
  const int size = GENERATE(1, 2, 4);
  const std::size_t count = GENERATE(std::size_t{1}, std::size_t{1000}, std::size_t{100'001});
  std::vector<std::vector<double>> sums(static_cast<std::size_t>(size));
  const auto said = in_threads(size, [&](Communicator& ranks) {
    auto numbers = draw(ranks.rank(), count);
    // Whoever comes late changes nothing.
    std::this_thread::sleep_for(std::chrono::milliseconds(5 * ((ranks.rank() * 3) % 4)));
    ranks.all_reduce(numbers);
    sums[static_cast<std::size_t>(ranks.rank())] = std::move(numbers);
  });
  CHECK(said == std::vector<std::string>(static_cast<std::size_t>(size)));
  for (const auto& sum : sums) CHECK(same_bits(sum, sum_in_order(size, count)));
}

TEST_CASE("floats and integers are reduced, too, and the least and greatest are found", "[communicator]") {
  const auto said = in_threads(4, [](Communicator& ranks) {
    const auto expect = [](bool holds) {
      if (!holds) throw CommunicatorError("wrong");
    };
    std::vector<float> floats{1.5f, static_cast<float>(ranks.rank())};
    ranks.all_reduce(floats);
    expect(floats == std::vector<float>{6, 6});
    std::vector<std::int64_t> integers{INT64_MAX, ranks.rank()};
    ranks.all_reduce(integers, Reduction::max);
    expect(integers == std::vector<std::int64_t>{INT64_MAX, 3});
    ranks.all_reduce(integers);  // Around.
    expect(integers == std::vector<std::int64_t>{-4, 12});
    double one = ranks.rank() - 2.0;
    ranks.all_reduce(std::span{&one, 1}, Reduction::min);
    expect(one == -2);
  });
  CHECK(said == kNoComplaint);
}

TEST_CASE("every rank can broadcast numbers and texts, of any length and of none", "[communicator]") {
  const int from = GENERATE(0, 1, 3);
  const auto said = in_threads(4, [&](Communicator& ranks) {
    for (const std::size_t count : {std::size_t{0}, std::size_t{1}, std::size_t{70'000}}) {
      std::vector<double> numbers(count, ranks.rank());
      ranks.broadcast(numbers, from);
      if (numbers != std::vector<double>(count, from)) throw CommunicatorError("wrong numbers");
      const std::string text(count, static_cast<char>('a' + ranks.rank()));
      if (ranks.broadcast_text(text, from) != std::string(count, static_cast<char>('a' + from))) throw CommunicatorError("wrong text");
    }
  });
  CHECK(said == kNoComplaint);
}

TEST_CASE("nobody leaves a barrier before everybody is there", "[communicator]") {
  std::atomic<int> there{0}, early{0};
  const auto said = in_threads(4, [&](Communicator& ranks) {
    for (int round = 1; round <= 20; ++round) {
      ++there;
      ranks.barrier();
      if (there < 4 * round) ++early;
      ranks.barrier();
    }
  });
  CHECK(said == kNoComplaint);
  CHECK(early == 0);
}

TEST_CASE("buffers that no socket holds are reduced and handed on without waiting for one another", "[communicator]") {
  const auto said = in_threads(4, [](Communicator& ranks) {
    std::vector<double> numbers(std::size_t{1} << 20, 1.0 + ranks.rank());  // 8 MiB.
    ranks.all_reduce(numbers);
    if (numbers != std::vector<double>(numbers.size(), 10)) throw CommunicatorError("wrong sum");
    numbers.assign(numbers.size(), ranks.rank());
    ranks.broadcast(numbers, 2);
    if (numbers != std::vector<double>(numbers.size(), 2)) throw CommunicatorError("wrong copy");
  });
  CHECK(said == kNoComplaint);
}

TEST_CASE("ranks that are processes get the same bits as threads", "[communicator]") {
  const int size = GENERATE(2, 4);
  const std::uint16_t port = free_port();
  std::vector<pid_t> pids;
  for (int rank = 0; rank < size; ++rank)
    pids.push_back(fork_rank([&] {
      const auto ranks = tcp_communicator(rank_of(rank, size, port));
      auto numbers = draw(rank, 5000);
      ranks->all_reduce(numbers);
      return same_bits(numbers, sum_in_order(size, 5000)) ? 0 : 1;
    }));
  for (const pid_t pid : pids) CHECK(exit_code(pid) == 0);
}

TEST_CASE("a rank that dies makes the others fail at once, and they say which it was", "[communicator]") {
  const int dies = GENERATE(0, 1, 3);
  const std::uint16_t port = free_port();
  const pid_t dead = fork_rank([&] {
    const auto ranks = tcp_communicator(rank_of(dies, 4, port));
    ranks->barrier();
    return ::raise(SIGKILL);
  });
  std::vector<std::string> said(4);
  std::vector<Clock::duration> took(4);
  std::vector<std::thread> threads;
  for (int rank = 0; rank < 4; ++rank)
    if (rank != dies)
      threads.emplace_back([&, rank] {
        const auto at = static_cast<std::size_t>(rank);
        const auto ranks = tcp_communicator(rank_of(rank, 4, port));
        ranks->barrier();
        const auto begin = Clock::now();
        std::vector<double> numbers(100'000);
        said[at] = complaint([&] { ranks->all_reduce(numbers); });
        took[at] = Clock::now() - begin;
        if (complaint([&] { ranks->barrier(); }) != said[at]) said[at] += " and something else later";
      });
  for (auto& thread : threads) thread.join();
  CHECK(exit_code(dead) == -SIGKILL);
  for (int rank = 0; rank < 4; ++rank) {
    if (rank == dies) continue;
    INFO(said[static_cast<std::size_t>(rank)]);
    CHECK(said[static_cast<std::size_t>(rank)].rfind("rank " + std::to_string(dies) + " has gone", 0) == 0);
    CHECK(said[static_cast<std::size_t>(rank)].find("later") == std::string::npos);
    CHECK(took[static_cast<std::size_t>(rank)] < std::chrono::seconds(5));
  }
}

TEST_CASE("a rank that dies is noticed while another one is waited for", "[communicator]") {
  std::vector<Clock::duration> took(3);
  const auto said = in_threads(3, [&](Communicator& ranks) {
    if (ranks.rank() == 2) throw CommunicatorError("ends");
    if (ranks.rank() == 1) std::this_thread::sleep_for(std::chrono::seconds(2));
    const auto begin = Clock::now();
    try {
      ranks.barrier();
    } catch (const CommunicatorError&) {
      took[static_cast<std::size_t>(ranks.rank())] = Clock::now() - begin;
      throw;
    }
  });
  CHECK(said == std::vector<std::string>{"rank 2 has gone", "rank 2 has gone", "ends"});
  CHECK(took[0] < std::chrono::seconds(1));
}

TEST_CASE("a rank that is done may go while others are still being served", "[communicator]") {
  for (int round = 0; round < 20; ++round) {
    const auto said = in_threads(4, [&](Communicator& ranks) {
      std::vector<double> numbers(200'000, ranks.rank());
      ranks.broadcast(numbers, 1);
    });
    CHECK(said == kNoComplaint);
  }
}

TEST_CASE("ranks that do not call the same are told what was called", "[communicator]") {
  const auto said = in_threads(3, [](Communicator& ranks) {
    std::vector<double> numbers(ranks.rank() == 2 ? 7 : 8);
    ranks.all_reduce(numbers);
  });
  for (const auto& s : said) CHECK(s == "rank 2 called all_reduce of 7 doubles where rank 0 called all_reduce of 8 doubles: all ranks must make the same calls");
  const auto others = in_threads(2, [](Communicator& ranks) {
    std::vector<float> numbers(3);
    if (ranks.rank() == 0) ranks.barrier();
    ranks.broadcast(numbers, 1);
  });
  CHECK(others[1] == "rank 1 called broadcast of 3 floats from rank 1 where rank 0 called barrier: all ranks must make the same calls");
}

TEST_CASE("a rank that stands still ends the call of the others when the time is up", "[communicator]") {
  const std::uint16_t port = free_port();
  const RankTimeouts brief{std::chrono::seconds(20), std::chrono::milliseconds(1000)};
  const pid_t still = fork_rank([&] {
    const auto ranks = tcp_communicator(rank_of(1, 2, port));
    return ::pause();
  });
  const auto ranks = tcp_communicator(rank_of(0, 2, port, brief));
  CHECK(complaint([&] { ranks->barrier(); }) == "rank 1 has said nothing for 1 s");
  ::kill(still, SIGKILL);
  exit_code(still);
}

TEST_CASE("there is no rank to broadcast from beyond the last", "[communicator]") {
  SingleRank alone;
  std::vector<double> numbers{1};
  CHECK(complaint([&] { alone.broadcast(numbers, 1); }) == "there is no rank 1 to broadcast from: ranks are 0 to 0");
  CHECK_FALSE(complaint([] { tcp_communicator({3, 2}); }).empty());
}
