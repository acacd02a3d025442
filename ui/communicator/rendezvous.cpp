// SPDX-License-Identifier: Apache-2.0
#include "ui/communicator/rendezvous.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <thread>

#include "tuner/value.hpp"
#include "ui/communicator/greeting.hpp"

namespace tune::detail {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;
constexpr std::size_t kMostGuests = 64;  // Who have connected and not yet said who they are.
constexpr milliseconds kGrace{5000};     // Rank 0 says why it gave up; others wait for that a little longer than it waited.

[[noreturn]] void fail(const std::string& what) { throw CommunicatorError(what); }
std::string why(int error) { return std::strerror(error); }
std::string place(const TcpRank& own) { return own.address + ":" + std::to_string(own.port); }
std::string seconds(milliseconds time) { return std::to_string((time.count() + 999) / 1000) + " s"; }

struct Addresses {
  addrinfo* first = nullptr;
  ~Addresses() {
    if (first) ::freeaddrinfo(first);
  }
};

int milliseconds_until(Clock::time_point deadline) {
  return static_cast<int>(std::max<std::int64_t>(0, std::chrono::ceil<milliseconds>(deadline - Clock::now()).count()));
}

// Small messages go at once, and a machine that dies without a word is found out: 20 s of silence, then five questions.
void prepare(int socket) {
  const auto set = [&](int level, int option, int value) { ::setsockopt(socket, level, option, &value, sizeof value); };
  set(IPPROTO_TCP, TCP_NODELAY, 1);
  set(SOL_SOCKET, SO_KEEPALIVE, 1);
  set(IPPROTO_TCP, TCP_KEEPIDLE, 20);
  set(IPPROTO_TCP, TCP_KEEPINTVL, 5);
  set(IPPROTO_TCP, TCP_KEEPCNT, 5);
  set(IPPROTO_TCP, TCP_USER_TIMEOUT, 45'000);
}

void say(int socket, const Greeting& greeting) {
  const std::string bytes = to_bytes(greeting);  // Less than any socket's buffer holds.
  [[maybe_unused]] const auto sent = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
}

// --- rank 0 ---------------------------------------------------------------------------------------------------------

// A name of this machine may lead to an address that only it uses (127.0.1.1 in Debian's /etc/hosts), so it says nothing about where the
// others come from; an address does.
bool is_a_name(const std::string& address) {
  in6_addr any;
  return address != "localhost" && ::inet_pton(AF_INET, address.c_str(), &any) != 1 && ::inet_pton(AF_INET6, address.c_str(), &any) != 1;
}

Descriptor try_to_listen(const TcpRank& own) {
  Addresses found;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  const std::string port = std::to_string(own.port);
  if (const int error = ::getaddrinfo(is_a_name(own.address) ? nullptr : own.address.c_str(), port.c_str(), &hints, &found.first))
    fail("rank 0 cannot listen at " + place(own) + ": " + ::gai_strerror(error));
  const addrinfo& at = *found.first;
  Descriptor socket{::socket(at.ai_family, at.ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int yes = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  if (::bind(socket.get(), at.ai_addr, at.ai_addrlen) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) socket.reset();
  return socket;
}

// A rank that is early may hold the port for a moment: its own end of a connection that leads nowhere.
Descriptor listen(const TcpRank& own) {
  for (int tries = 0;; ++tries) {
    if (Descriptor socket = try_to_listen(own)) return socket;
    if (errno != EADDRINUSE || tries == 100)
      fail("rank 0 cannot listen at " + place(own) + ": " + why(errno) + "; MASTER_ADDR must be an address of its machine and MASTER_PORT free");
    std::this_thread::sleep_for(milliseconds(20));
  }
}

class Reception {
 public:
  explicit Reception(const TcpRank& own)
      : own_(own), listener_(listen(own)), ranks_(static_cast<std::size_t>(own.size) - 1), missing_(ranks_.size()) {}

  std::vector<Descriptor> all() {
    const auto deadline = Clock::now() + own_.timeouts.join;
    while (missing_ > 0)
      if (!wait(deadline)) give_up(missing_ranks() + " not come within " + seconds(own_.timeouts.join) + turned_away_);
    for (const auto& rank : ranks_) say(rank.get(), Greeting::welcome());
    return std::move(ranks_);
  }

 private:
  struct Guest {
    Descriptor socket;
    std::string said;
  };

  // One round; false when the time is up.
  bool wait(Clock::time_point deadline) {
    std::vector<pollfd> polls{{listener_.get(), POLLIN, 0}};
    for (const auto& guest : guests_) polls.push_back({guest.socket.get(), POLLIN, 0});
    for (const auto& rank : ranks_) polls.push_back({rank ? rank.get() : -1, POLLRDHUP, 0});
    const int left = milliseconds_until(deadline);
    if (left == 0) return false;
    if (::poll(polls.data(), polls.size(), left) <= 0) return true;
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (polls[1 + guests_.size() + i].revents) ranks_[i].reset(), give_up("rank " + std::to_string(i + 1) + " has gone before all ranks were there");
    for (std::size_t i = guests_.size(); i-- > 0;)
      if (polls[1 + i].revents && !hear(guests_[i])) guests_.erase(guests_.begin() + static_cast<std::ptrdiff_t>(i));
    if (polls[0].revents) let_in();
    return true;
  }

  void let_in() {
    Descriptor socket{::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)};
    if (!socket) return;
    prepare(socket.get());
    if (guests_.size() == kMostGuests) guests_.erase(guests_.begin());
    guests_.push_back({std::move(socket), {}});
  }

  // False: no guest any more.
  bool hear(Guest& guest) {
    char bytes[kLongestGreeting];
    const ssize_t n = ::recv(guest.socket.get(), bytes, sizeof bytes, 0);
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) return true;
    if (n <= 0) return false;
    const auto greeting = read_greeting(guest.said.append(bytes, static_cast<std::size_t>(n)));
    if (!greeting) return turn_away(guest, greeting.error().message);
    if (!*greeting) return true;
    const std::string no = objection(**greeting);
    if (!no.empty()) return turn_away(guest, no);
    ranks_[(*greeting)->rank() - 1] = std::move(guest.socket);
    --missing_;
    return false;
  }

  // Why whoever greets so is not let in; empty: he is.
  std::string objection(const Greeting& g) const {
    const auto size = static_cast<std::uint32_t>(own_.size);
    if (g.text != own_.group) return "trial `" + printable(g.text) + "` is not that of rank 0, which is `" + printable(own_.group) + "`";
    if (g.size() != size) return "WORLD_SIZE " + std::to_string(g.size()) + " is not that of rank 0, which is " + std::to_string(size);
    if (g.rank() < 1 || g.rank() >= size) return "RANK " + std::to_string(g.rank()) + " is none of 1 to " + std::to_string(size - 1);
    if (ranks_[g.rank() - 1]) return "a rank " + std::to_string(g.rank()) + " is there already";
    return {};
  }

  bool turn_away(Guest& guest, const std::string& no) {
    say(guest.socket.get(), Greeting::refusal(no));
    ::shutdown(guest.socket.get(), SHUT_WR);
    turned_away_ = "; one was turned away: " + no;
    return false;
  }

  [[noreturn]] void give_up(const std::string& reason) {
    for (const auto& rank : ranks_)
      if (rank) say(rank.get(), Greeting::refusal(reason));
    fail(reason);
  }

  std::string missing_ranks() const {
    std::string list;
    for (std::size_t i = 0; i < ranks_.size(); ++i)
      if (!ranks_[i]) list += (list.empty() ? "" : ", ") + std::to_string(i + 1);
    return (missing_ == 1 ? "rank " + list + " has" : "ranks " + list + " have");
  }

  const TcpRank& own_;
  Descriptor listener_;
  std::vector<Descriptor> ranks_;
  std::size_t missing_;
  std::vector<Guest> guests_;
  std::string turned_away_;
};

// --- the others -----------------------------------------------------------------------------------------------------

// On loopback a connection to a port that nobody listens on may meet itself.
bool meets_itself(int socket) {
  sockaddr_storage here{}, there{};
  socklen_t a = sizeof here, b = sizeof there;
  return ::getsockname(socket, reinterpret_cast<sockaddr*>(&here), &a) == 0 && ::getpeername(socket, reinterpret_cast<sockaddr*>(&there), &b) == 0 &&
         a == b && std::memcmp(&here, &there, a) == 0;
}

bool connect(int socket, const addrinfo& to, Clock::time_point deadline) {
  if (::connect(socket, to.ai_addr, to.ai_addrlen) == 0) return true;
  if (errno != EINPROGRESS) return false;
  pollfd poll{socket, POLLOUT, 0};
  if (::poll(&poll, 1, milliseconds_until(deadline)) <= 0) return errno = ETIMEDOUT, false;
  socklen_t size = sizeof errno;
  int error = 0;
  ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &error, &size);
  return errno = error, error == 0;
}

// Empty: not now, and `problem` says why.
Descriptor dial(const TcpRank& own, Clock::time_point deadline, std::string& problem) {
  Addresses found;
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV;
  if (const int error = ::getaddrinfo(own.address.c_str(), std::to_string(own.port).c_str(), &hints, &found.first))
    return problem = ::gai_strerror(error), Descriptor{};
  for (const addrinfo* at = found.first; at; at = at->ai_next) {
    Descriptor socket{::socket(at->ai_family, at->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
    if (!connect(socket.get(), *at, deadline)) {
      problem = why(errno);
    } else if (!meets_itself(socket.get())) {
      prepare(socket.get());
      return socket;
    }
  }
  return {};
}

// Rank 0's answer; none if it went without one.
std::optional<Greeting> answer(const TcpRank& own, int socket, Clock::time_point deadline, std::string& problem) {
  std::string said;
  for (char bytes[kLongestGreeting];;) {
    pollfd poll{socket, POLLIN, 0};
    const int left = milliseconds_until(deadline);
    if (left == 0) fail("rank 0 at " + place(own) + " did not say within " + seconds(own.timeouts.join + kGrace) + " that all ranks are there");
    if (::poll(&poll, 1, left) <= 0) continue;
    const ssize_t n = ::recv(socket, bytes, missing_of_greeting(said), 0);  // What follows is for the first call: that a rank has gone.
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
    if (n <= 0) return problem = n == 0 ? "it closed the connection" : why(errno), std::nullopt;
    auto greeting = read_greeting(said.append(bytes, static_cast<std::size_t>(n)));
    if (!greeting) fail("what listens at " + place(own) + " is not rank 0 of this trial: " + greeting.error().message);
    if (*greeting) return **greeting;
  }
}

}  // namespace

std::vector<Descriptor> await_ranks(const TcpRank& own) { return Reception(own).all(); }

Descriptor join_rank_0(const TcpRank& own) {
  const auto deadline = Clock::now() + own.timeouts.join;
  std::string problem = "nothing listens there";
  for (auto pause = milliseconds(10);; pause = std::min(2 * pause, milliseconds(100))) {
    if (Descriptor socket = dial(own, deadline, problem)) {
      say(socket.get(), Greeting::of_rank(own.size, own.rank, own.group));
      if (const auto said = answer(own, socket.get(), deadline + kGrace, problem)) {
        if (said->welcomed()) return socket;
        fail("rank 0 turned rank " + std::to_string(own.rank) + " away: " + printable(said->text));
      }
    }
    if (milliseconds_until(deadline) == 0)
      fail("rank " + std::to_string(own.rank) + " has not reached rank 0 at " + place(own) + " within " + seconds(own.timeouts.join) + ": " + problem);
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace tune::detail
