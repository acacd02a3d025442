// SPDX-License-Identifier: Apache-2.0
#include "executors/process/rank_line.hpp"

#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstring>
#include <thread>

namespace tune::detail {
namespace {

constexpr std::size_t kLongestMessage = 160 << 10;  // A plan came as one argument, which the kernel limits to 128 KiB.
constexpr std::size_t kMostDescriptors = 3;
constexpr auto kPause = std::chrono::milliseconds(10);

/// The port is free for this gang alone, on the machine whose address is this.
struct Address {
  Address(const RanksPlan& plan, int node) {
    const std::string name = "tune-ranks-" + std::to_string(plan.port) + "-" + std::to_string(node) + "-" + plan.address;
    socket.sun_family = AF_UNIX;
    std::memcpy(socket.sun_path + 1, name.data(), std::min(name.size(), sizeof socket.sun_path - 1));
    size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  }
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&socket); }
  sockaddr_un socket{};
  socklen_t size = 0;
};

Descriptor made(int flags) { return Descriptor{::socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | flags, 0)}; }

std::optional<ucred> credentials(int line) {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(line, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? std::optional{peer} : std::nullopt;
}
bool is_ours(int line) {
  const auto peer = credentials(line);
  return peer && peer->uid == ::geteuid();
}

}  // namespace

RankEnd rank_end(int rank, int status) {
  if (WIFSIGNALED(status)) return {rank, true, WTERMSIG(status)};
  return {rank, false, WEXITSTATUS(status)};
}

std::string to_text(const RankEnd& end) { return (end.signalled ? "signal " : "exit ") + std::to_string(end.number); }

std::optional<RankEnd> read_rank_end(int rank, std::string_view text) {
  const auto code = number_after("exit ", text), signal = number_after("signal ", text);
  if (code) return RankEnd{rank, false, *code};
  if (signal) return RankEnd{rank, true, *signal};
  return std::nullopt;
}

std::optional<int> number_after(std::string_view word, std::string_view text) {
  if (!text.starts_with(word)) return std::nullopt;
  text.remove_prefix(word.size());
  int number = 0;
  const auto [end, wrong] = std::from_chars(text.data(), text.data() + text.size(), number);
  return wrong == std::errc{} && end == text.data() + text.size() ? std::optional{number} : std::nullopt;
}

Descriptor listen_for_ranks(const RanksPlan& plan) {
  Descriptor listener = made(SOCK_NONBLOCK);
  const Address address(plan, plan.node);
  if (!listener || ::bind(listener.get(), address.get(), address.size) != 0 || ::listen(listener.get(), SOMAXCONN) != 0) return {};
  return listener;
}

Descriptor accept_rank(int listener) {
  Descriptor line{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)};
  return line && is_ours(line.get()) ? std::move(line) : Descriptor{};
}

Descriptor reach_launcher(const RanksPlan& plan, int node, std::chrono::seconds patience) {
  const Address address(plan, node);
  const auto until = std::chrono::steady_clock::now() + patience;
  do {
    Descriptor line = made(0);
    if (line && ::connect(line.get(), address.get(), address.size) == 0) return is_ours(line.get()) ? std::move(line) : Descriptor{};
    std::this_thread::sleep_for(kPause);
  } while (std::chrono::steady_clock::now() < until);
  return {};
}

pid_t peer_of(int line) {
  const auto peer = credentials(line);
  return peer ? peer->pid : -1;
}

bool send(int line, std::string_view message, std::initializer_list<int> descriptors) {
  iovec text{const_cast<char*>(message.data()), message.size()};
  msghdr head{};
  head.msg_iov = &text;
  head.msg_iovlen = 1;
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> room{};
  if (descriptors.size() > 0) {
    head.msg_control = room.data();
    head.msg_controllen = CMSG_SPACE(descriptors.size() * sizeof(int));
    cmsghdr* const rights = CMSG_FIRSTHDR(&head);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
    std::memcpy(CMSG_DATA(rights), descriptors.begin(), descriptors.size() * sizeof(int));
  }
  return ::sendmsg(line, &head, MSG_NOSIGNAL | MSG_DONTWAIT) >= 0;
}

std::optional<std::string> receive(int line, int flags, std::vector<Descriptor>* descriptors) {
  std::string message(kLongestMessage, '\0');
  iovec text{message.data(), message.size()};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(kMostDescriptors * sizeof(int))> room{};
  msghdr head{};
  head.msg_iov = &text;
  head.msg_iovlen = 1;
  head.msg_control = room.data();
  head.msg_controllen = room.size();
  ssize_t size = 0;
  do size = ::recvmsg(line, &head, MSG_CMSG_CLOEXEC | flags);
  while (size < 0 && errno == EINTR);
  if (size < 0 && errno == EAGAIN) return std::string{};
  if (size <= 0) return std::nullopt;
  if (cmsghdr* const rights = CMSG_FIRSTHDR(&head); rights && rights->cmsg_type == SCM_RIGHTS) {
    const std::size_t count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(rights) + i * sizeof(int), sizeof fd);
      Descriptor held{fd};
      if (descriptors) descriptors->push_back(std::move(held));
    }
  }
  message.resize(static_cast<std::size_t>(size));
  return message;
}

}  // namespace tune::detail
