// SPDX-License-Identifier: Apache-2.0
// A call begins with a request of every rank to rank 0, followed by its numbers, and ends with blocks from rank 0. Rank 0 sends nothing
// before it has everybody's request, and the others read whenever there is something to read, also while they send: so nobody waits
// for somebody who waits for him, however large the numbers are.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <type_traits>
#include <vector>

#include "ui/communicator/combine.hpp"
#include "ui/communicator/rendezvous.hpp"

namespace tune {
namespace {

using detail::combine;
using std::chrono::milliseconds;
constexpr std::size_t kBlock = 256 * 1024;

enum class Call : std::uint32_t { all_reduce, broadcast, barrier };

/// What a rank is about to do. All of them must mean the same.
struct Request {
  std::uint64_t count = 0;
  Call call = Call::barrier;
  std::uint32_t type = 0;  ///< Index in Numbers.
  Reduction reduction = Reduction::sum;
  std::int32_t from = 0;
  bool operator==(const Request&) const = default;
};
static_assert(std::has_unique_object_representations_v<Request>, "it travels as it lies in memory");

/// What rank 0 sends is cut into blocks: results, or at any time why there will be none.
struct BlockHead {
  std::uint32_t failed = 0, bytes = 0;
};

std::string to_text(const Request& r) {
  static constexpr const char* kTypes[] = {" doubles", " floats", " integers"};
  if (r.call == Call::barrier) return "barrier";
  const std::string what = std::to_string(r.count) + (r.type < std::size(kTypes) ? kTypes[r.type] : " of what is no number");
  if (r.call == Call::broadcast) return "broadcast of " + what + " from rank " + std::to_string(r.from);
  return std::string{"all_reduce of "} + what + (r.reduction == Reduction::sum ? "" : r.reduction == Reduction::min ? " (min)" : " (max)");
}

Request request(Call call, const Numbers& numbers, Reduction reduction, int from) {
  const std::size_t count = std::visit([](auto span) { return span.size(); }, numbers);
  return {count, call, static_cast<std::uint32_t>(numbers.index()), reduction, from};
}

std::span<std::byte> bytes_of(const Numbers& numbers) {
  return std::visit([](auto span) { return std::as_writable_bytes(span); }, numbers);
}

std::string name_of(std::size_t rank) { return "rank " + std::to_string(rank); }
[[noreturn]] void gone(std::size_t rank, int error) {
  throw CommunicatorError(name_of(rank) + " has gone" + (error ? std::string{": "} + std::strerror(error) : ""));
}
[[noreturn]] void silent(std::size_t rank, milliseconds time) {
  throw CommunicatorError(name_of(rank) + " has said nothing for " + std::to_string(time.count() / 1000) + " s");
}
bool not_now(int error) { return error == EAGAIN || error == EWOULDBLOCK || error == EINTR; }

/// Bytes taken without waiting; throws if `rank`, the other end, has gone.
std::size_t receive_some(int socket, std::span<std::byte> into, std::size_t rank) {
  const ssize_t n = ::recv(socket, into.data(), into.size(), MSG_DONTWAIT);
  if (n == 0) gone(rank, 0);
  if (n < 0 && !not_now(errno)) gone(rank, errno);
  return n < 0 ? 0 : static_cast<std::size_t>(n);
}

/// Waits for one of `polls`; false when the time is up.
bool wait(std::span<pollfd> polls, milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(deadline - std::chrono::steady_clock::now()).count();
    const int ready = ::poll(polls.data(), polls.size(), static_cast<int>(std::clamp<std::int64_t>(left, 0, INT32_MAX)));
    if (ready > 0) return true;
    if (ready == 0 && left <= 0) return false;
  }
}

/// Once a call has failed every further one fails in the same way.
class TcpCommunicator : public Communicator {
 public:
  TcpCommunicator(int rank, int size) : rank_(rank), size_(size) {}
  int rank() const final { return rank_; }
  int size() const final { return size_; }

  void all_reduce(Numbers numbers, Reduction reduction) final { attempt(request(Call::all_reduce, numbers, reduction, 0), numbers); }
  void broadcast(Numbers numbers, int from) final {
    check_rank(from);
    attempt(request(Call::broadcast, numbers, Reduction::sum, from), numbers);
  }
  void barrier() final { attempt({}, std::span<double>{}); }

 private:
  virtual void carry_out(const Request&, Numbers) = 0;
  virtual void leave(const std::string& why) = 0;

  void attempt(const Request& own, Numbers numbers) try {
    if (!broken_.empty()) throw CommunicatorError(broken_);
    carry_out(own, numbers);
  } catch (const CommunicatorError& error) {
    if (broken_.empty()) leave(broken_ = error.what());
    throw;
  }

  int rank_, size_;
  std::string broken_;
};

// --- rank 0 ---------------------------------------------------------------------------------------------------------

class Hub final : public TcpCommunicator {
 public:
  Hub(std::vector<Descriptor> others, milliseconds timeout)
      : TcpCommunicator(0, static_cast<int>(others.size()) + 1), others_(std::move(others)), timeout_(timeout) {}

 private:
  void carry_out(const Request& own, Numbers numbers) override {
    for (std::size_t rank = 1; rank <= others_.size(); ++rank) {
      Request theirs;
      receive(rank, std::as_writable_bytes(std::span{&theirs, 1}));
      if (theirs != own)
        throw CommunicatorError(name_of(rank) + " called " + to_text(theirs) + " where rank 0 called " + to_text(own) + ": all ranks must make the same calls");
    }
    if (own.call == Call::all_reduce && own.count > 0) return std::visit([&](auto span) { reduce(span, own.reduction); }, numbers);
    if (own.call == Call::broadcast && own.count > 0) hand_on(bytes_of(numbers), static_cast<std::size_t>(own.from));
    for (std::size_t rank = 1; rank <= others_.size(); ++rank)
      if (own.count == 0 || static_cast<std::size_t>(own.from) == rank) send(rank, {});  // Who awaits nothing awaits the end.
  }

  template <class T>
  void reduce(std::span<T> own, Reduction how) {
    constexpr std::size_t kMost = kBlock / sizeof(T);
    std::vector<T> theirs(std::min(own.size(), kMost));
    for (std::size_t at = 0; at < own.size(); at += kMost) {
      const auto block = own.subspan(at, std::min(kMost, own.size() - at));
      const auto others = std::span{theirs}.first(block.size());
      for (std::size_t rank = 1; rank <= others_.size(); ++rank) {
        receive(rank, std::as_writable_bytes(others));
        combine(block, std::span<const T>{others}, how);
      }
      for (std::size_t rank = 1; rank <= others_.size(); ++rank) send(rank, std::as_bytes(block));
    }
  }

  void hand_on(std::span<std::byte> bytes, std::size_t from) {
    for (std::size_t at = 0; at < bytes.size(); at += kBlock) {
      const auto block = bytes.subspan(at, std::min(kBlock, bytes.size() - at));
      if (from != 0) receive(from, block);
      for (std::size_t rank = 1; rank <= others_.size(); ++rank)
        if (rank != from) send(rank, block);
    }
  }

  /// While rank 0 receives nobody has what he called for, so whoever closes his end has gone and is not merely done.
  void receive(std::size_t rank, std::span<std::byte> bytes) {
    while (!bytes.empty()) {
      const std::size_t got = receive_some(socket_of(rank), bytes, rank);
      bytes = bytes.subspan(got);
      if (got > 0) continue;
      polls_.clear();
      for (std::size_t other = 1; other <= others_.size(); ++other) polls_.push_back({socket_of(other), other == rank ? short{POLLIN} : short{POLLRDHUP}, 0});
      if (!wait(polls_, timeout_)) silent(rank, timeout_);
      for (std::size_t other = 1; other <= others_.size(); ++other)
        if (other != rank && polls_[other - 1].revents) gone(other, 0);
    }
  }

  void send(std::size_t rank, std::span<const std::byte> block) {
    const BlockHead head{0, static_cast<std::uint32_t>(block.size())};
    send_all(rank, std::as_bytes(std::span{&head, 1}), block.empty() ? 0 : MSG_MORE);
    send_all(rank, block, 0);
  }

  void send_all(std::size_t rank, std::span<const std::byte> bytes, int flags) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(socket_of(rank), bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_DONTWAIT | flags);
      if (n > 0) {
        bytes = bytes.subspan(static_cast<std::size_t>(n));
        continue;
      }
      if (!not_now(errno)) gone(rank, errno);
      pollfd poll{socket_of(rank), POLLOUT, 0};
      if (!wait({&poll, 1}, timeout_)) silent(rank, timeout_);
    }
  }

  // Every other rank is between two blocks, save the one that could not be sent to.
  void leave(const std::string& why) override {
    const BlockHead head{1, static_cast<std::uint32_t>(why.size())};
    const std::string message = std::string(reinterpret_cast<const char*>(&head), sizeof head) + why;
    for (auto& other : others_) {
      [[maybe_unused]] const auto sent = ::send(other.get(), message.data(), message.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
      ::shutdown(other.get(), SHUT_WR);
    }
  }

  int socket_of(std::size_t rank) const { return others_[rank - 1].get(); }

  std::vector<Descriptor> others_;
  milliseconds timeout_;
  std::vector<pollfd> polls_;
};

// --- the others -----------------------------------------------------------------------------------------------------

/// Puts what rank 0 sends where it belongs.
class Incoming {
 public:
  explicit Incoming(std::span<std::byte> result) : result_(result) {}

  bool complete() const { return complete_; }

  /// True if anything came. Throws what rank 0 says has failed.
  bool receive(int socket) {
    if (head_bytes_ < sizeof head_) {
      const std::size_t n = receive_some(socket, std::as_writable_bytes(std::span{&head_, 1}).subspan(head_bytes_), 0);
      if ((head_bytes_ += n) == sizeof head_) begin_block();
      return n > 0;
    }
    const std::size_t n = receive_some(socket, block_, 0);
    block_ = block_.subspan(n);
    if (block_.empty()) end_block();
    return n > 0;
  }

 private:
  void begin_block() {
    if (head_.failed) {
      why_.resize(std::min<std::size_t>(head_.bytes, 4096));
      block_ = std::as_writable_bytes(std::span{why_});
    } else if (head_.bytes > result_.size() || (head_.bytes == 0 && !result_.empty())) {
      throw CommunicatorError("rank 0 sent what was not called for");
    } else {
      block_ = result_.first(head_.bytes);
      result_ = result_.subspan(head_.bytes);
    }
    if (block_.empty()) end_block();
  }
  void end_block() {
    if (head_.failed) throw CommunicatorError(why_);
    complete_ = result_.empty();
    head_bytes_ = 0;
  }

  std::span<std::byte> result_, block_;
  BlockHead head_;
  std::size_t head_bytes_ = 0;
  bool complete_ = false;
  std::string why_;
};

class Spoke final : public TcpCommunicator {
 public:
  Spoke(Descriptor hub, int rank, int size, milliseconds timeout) : TcpCommunicator(rank, size), hub_(std::move(hub)), timeout_(timeout) {}

 private:
  void carry_out(const Request& own, Numbers numbers) override {
    const auto bytes = bytes_of(numbers);
    const bool gives = own.call == Call::all_reduce || own.from == rank(), takes = own.call == Call::all_reduce || own.from != rank();
    // A block of the result comes when all of that block was sent, so both may be one piece of memory.
    Unsent unsent{std::as_bytes(std::span{&own, 1}), gives ? bytes : std::span<std::byte>{}};
    Incoming incoming(takes ? bytes : std::span<std::byte>{});
    while (!incoming.complete()) {
      const bool sent = send_some(unsent), received = incoming.receive(hub_.get());
      if (sent || received || incoming.complete()) continue;
      pollfd poll{hub_.get(), static_cast<short>(unsent.empty() ? POLLIN : POLLIN | POLLOUT), 0};
      if (!wait({&poll, 1}, timeout_)) silent(0, timeout_);
    }
  }

  struct Unsent {
    std::span<const std::byte> head, numbers;
    bool empty() const { return head.empty() && numbers.empty(); }
  };

  // What cannot be sent because rank 0 has gone is forgotten: it may have said why, and that is still to be read.
  bool send_some(Unsent& unsent) {
    const bool more = !unsent.head.empty() && !unsent.numbers.empty();
    auto& next = unsent.head.empty() ? unsent.numbers : unsent.head;
    if (next.empty()) return false;
    const ssize_t n = ::send(hub_.get(), next.data(), next.size(), MSG_NOSIGNAL | MSG_DONTWAIT | (more ? MSG_MORE : 0));
    if (n < 0 && not_now(errno)) return false;
    if (n < 0) return unsent = {}, false;
    next = next.subspan(static_cast<std::size_t>(n));
    return true;
  }

  void leave(const std::string&) override { hub_.reset(); }

  Descriptor hub_;
  milliseconds timeout_;
};

}  // namespace

std::unique_ptr<Communicator> tcp_communicator(const TcpRank& own) {
  if (own.size < 1 || own.rank < 0 || own.rank >= own.size)
    throw CommunicatorError("there is no rank " + std::to_string(own.rank) + " of " + std::to_string(own.size));
  if (own.size == 1) return std::make_unique<SingleRank>();
  if (own.rank == 0) return std::make_unique<Hub>(detail::await_ranks(own), own.timeouts.call);
  return std::make_unique<Spoke>(detail::join_rank_0(own), own.rank, own.size, own.timeouts.call);
}

}  // namespace tune
