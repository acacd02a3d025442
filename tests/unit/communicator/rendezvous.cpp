// SPDX-License-Identifier: Apache-2.0
#include <catch2/catch.hpp>

#include "ui/communicator/greeting.hpp"
#include "unit/communicator/rig.hpp"

using namespace tune;
using namespace tune::test;
using detail::Greeting;

namespace {

constexpr RankTimeouts kBrief{std::chrono::milliseconds(300), std::chrono::seconds(5)};

/// Connects as soon as somebody listens, and says it.
Descriptor stranger(std::uint16_t port, const std::string& says) {
  const sockaddr_in at = loopback(port);
  for (;;) {
    Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (::connect(socket.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
      continue;
    }
    (void)::send(socket.get(), says.data(), says.size(), MSG_NOSIGNAL);
    return socket;
  }
}

std::string answer(const Descriptor& socket) {
  std::string all;
  char bytes[256];
  for (ssize_t n; (n = ::recv(socket.get(), bytes, sizeof bytes, 0)) > 0;) all.append(bytes, static_cast<std::size_t>(n));
  const auto said = detail::read_greeting(all);
  return said && *said ? (*said)->text : "no answer";
}

/// Rank 0 of 2 while `meanwhile` runs, then rank 1; what each threw.
std::vector<std::string> with_guests(const std::function<void(std::uint16_t)>& meanwhile) {
  const std::uint16_t port = free_port();
  std::vector<std::string> said(2);
  std::thread hub([&] { said[0] = complaint([&] { tcp_communicator(rank_of(0, 2, port))->barrier(); }); });
  meanwhile(port);
  said[1] = complaint([&] { tcp_communicator(rank_of(1, 2, port))->barrier(); });
  hub.join();
  return said;
}

}  // namespace

TEST_CASE("the others may come long before rank 0 listens", "[communicator]") {
  const std::uint16_t port = free_port();
  std::vector<std::string> said(2);
  std::thread early([&] { said[1] = complaint([&] { tcp_communicator(rank_of(1, 2, port))->barrier(); }); });
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  said[0] = complaint([&] { tcp_communicator(rank_of(0, 2, port))->barrier(); });
  early.join();
  CHECK(said == std::vector<std::string>(2));
}

TEST_CASE("ranks that never come are named by rank 0, and those that came are told", "[communicator]") {
  const std::uint16_t port = free_port();
  std::string said;
  std::thread one([&] { said = complaint([&] { tcp_communicator(rank_of(2, 4, port)); }); });
  const std::string own = complaint([&] { tcp_communicator(rank_of(0, 4, port, {std::chrono::milliseconds(700), {}})); });
  one.join();
  CHECK(own == "ranks 1, 3 have not come within 1 s");
  CHECK(said == "rank 0 turned rank 2 away: ranks 1, 3 have not come within 1 s");
}

TEST_CASE("a rank without a rank 0 gives up when the time is up", "[communicator]") {
  const std::uint16_t port = free_port();
  const std::string said = complaint([&] { tcp_communicator(rank_of(1, 2, port, kBrief)); });
  CHECK(said == "rank 1 has not reached rank 0 at 127.0.0.1:" + std::to_string(port) + " within 1 s: Connection refused");
}

TEST_CASE("strangers that talk rubbish or nothing are sent away and hold up nobody", "[communicator]") {
  const auto said = with_guests([](std::uint16_t port) {
    CHECK(answer(stranger(port, "GET / HTTP/1.1\r\n\r\n")) == "what it says is not what ranks of a trial say");
    CHECK(answer(stranger(port, std::string(100'000, 'x'))).find("ranks of a trial") != std::string::npos);
    std::vector<Descriptor> silent;
    for (int i = 0; i < 100; ++i) silent.push_back(stranger(port, i % 2 ? "" : to_bytes(Greeting::of_rank(2, 1, "trial")).substr(0, 10)));
    silent.clear();
  });
  CHECK(said == std::vector<std::string>(2));
}

TEST_CASE("a rank of another world, trial or number is refused clearly, and the right one still comes", "[communicator]") {
  const auto said = with_guests([](std::uint16_t port) {
    const auto refused = [&](int size, int rank, const std::string& group) { return answer(stranger(port, to_bytes(Greeting::of_rank(size, rank, group)))); };
    CHECK(refused(3, 1, "trial") == "WORLD_SIZE 3 is not that of rank 0, which is 2");
    CHECK(refused(2, 0, "trial") == "RANK 0 is none of 1 to 1");
    CHECK(refused(2, 7, "trial") == "RANK 7 is none of 1 to 1");
    CHECK(refused(2, 1, "other") == "trial `other` is not that of rank 0, which is `trial`");
    std::string newer = to_bytes(Greeting::of_rank(2, 1, "trial"));
    newer[8] = 9;
    CHECK(answer(stranger(port, newer)) == "it speaks version 9 of this, not 1");
  });
  CHECK(said == std::vector<std::string>(2));
}

TEST_CASE("the same rank twice is refused", "[communicator]") {
  const std::uint16_t port = free_port();
  std::vector<std::string> said(3);
  std::thread hub([&] { said[0] = complaint([&] { tcp_communicator(rank_of(0, 3, port)); }); });
  const Descriptor first = stranger(port, to_bytes(Greeting::of_rank(3, 1, "trial")));
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  CHECK(complaint([&] { tcp_communicator(rank_of(1, 3, port)); }) == "rank 0 turned rank 1 away: a rank 1 is there already");
  CHECK(complaint([&] { tcp_communicator(rank_of(2, 3, port)); }).empty());
  hub.join();
  CHECK(said[0].empty());
}

TEST_CASE("what listens at the address and is not rank 0 is found out", "[communicator]") {
  const Descriptor listener{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  ::bind(listener.get(), reinterpret_cast<sockaddr*>(&at), size);
  ::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&at), &size);
  ::listen(listener.get(), 4);
  std::thread other([&] {
    const Descriptor guest{::accept(listener.get(), nullptr, nullptr)};
    (void)::send(guest.get(), "SSH-2.0-x\r\n", 11, MSG_NOSIGNAL);
    char bytes[256];
    while (::recv(guest.get(), bytes, sizeof bytes, 0) > 0) {}
  });
  const std::uint16_t port = ntohs(at.sin_port);
  CHECK(complaint([&] { tcp_communicator(rank_of(1, 2, port)); }) ==
        "what listens at 127.0.0.1:" + std::to_string(port) + " is not rank 0 of this trial: what it says is not what ranks of a trial say");
  other.join();
}

TEST_CASE("rank 0 says what is wrong with its address and port", "[communicator]") {
  const std::uint16_t port = free_port();
  const Descriptor taken{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in at = loopback(port);
  ::bind(taken.get(), reinterpret_cast<const sockaddr*>(&at), sizeof at);
  ::listen(taken.get(), 1);
  CHECK(complaint([&] { tcp_communicator(rank_of(0, 2, port)); }).find("Address already in use") != std::string::npos);
  TcpRank elsewhere = rank_of(0, 2, port);
  elsewhere.address = "198.51.100.7";
  CHECK(complaint([&] { tcp_communicator(elsewhere); }).find("must be an address of its machine") != std::string::npos);
}

TEST_CASE("greetings survive the way as bytes, in one piece or many", "[communicator]") {
  const std::string bytes = to_bytes(Greeting::of_rank(4, 2, "digits/3 attempt 1"));
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto part = detail::read_greeting(std::string_view{bytes}.substr(0, n));
    CHECK((part && !*part));
    CHECK((detail::missing_of_greeting(bytes.substr(0, n)) >= 1 && n + detail::missing_of_greeting(bytes.substr(0, n)) <= bytes.size()));
  }
  const auto whole = detail::read_greeting(bytes);
  REQUIRE((whole && *whole));
  CHECK(((*whole)->size() == 4 && (*whole)->rank() == 2 && (*whole)->text == "digits/3 attempt 1"));
  CHECK_FALSE(detail::read_greeting(bytes + "x"));
  CHECK_FALSE(detail::read_greeting("x"));
  CHECK(to_bytes(Greeting::refusal(std::string(5000, 'x'))).size() == detail::kLongestGreeting);
}
