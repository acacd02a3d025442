// SPDX-License-Identifier: Apache-2.0
#include "executors/link/request.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <memory>

#include "tuner/value.hpp"

namespace tune::detail {
namespace {

using Clock = std::chrono::steady_clock;
constexpr auto kPatience = std::chrono::seconds(20);
constexpr int kSlice = 200;  // Milliseconds until `stop` is looked at again.
constexpr std::size_t kHeadLimit = 16 * 1024, kTextLimit = 64 * 1024;

Error unreachable(const std::string& what) { return {Error::Code::unreachable, what, ""}; }

/// Waits for one of `events`. Empty: it came.
std::string await(int socket, short events, const std::atomic<bool>* stop) {
  for (const auto until = Clock::now() + kPatience; Clock::now() < until;) {
    if (stop && *stop) return "we are ending";
    pollfd one{socket, events, 0};
    const int n = ::poll(&one, 1, kSlice);
    if (n > 0) return "";
    if (n < 0 && errno != EINTR) return std::strerror(errno);
  }
  return "nothing happened for 20 seconds";
}

/// "" and the socket, or why not.
std::string connect(const addrinfo& to, Descriptor& socket, const std::atomic<bool>* stop) {
  socket.reset(::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return std::strerror(errno);
  const int yes = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (::connect(socket.get(), to.ai_addr, to.ai_addrlen) == 0) return "";
  if (errno != EINPROGRESS) return std::strerror(errno);
  if (auto why = await(socket.get(), POLLOUT, stop); !why.empty()) return why;
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
  return error == 0 ? "" : std::strerror(error);
}

/// The value of a header, whatever the case of its name; empty: it is not there.
std::string_view field(std::string_view head, std::string_view name) {
  const auto same = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a - 'A' + 'a' : a) == b; };
  for (auto at = head.find("\r\n"); at != std::string_view::npos; at = head.find("\r\n", at + 2)) {
    const auto line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':' ||
        !std::equal(name.begin(), name.end(), line.begin(), [&](char a, char b) { return same(b, a); }))
      continue;
    const auto begin = line.find_first_not_of(" \t", name.size() + 1);
    return begin == std::string_view::npos ? "" : line.substr(begin);
  }
  return "";
}

template <class Number>
bool read_number(std::string_view text, Number& number) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size();
}

}  // namespace

std::optional<AnswerHead> parse_answer_head(std::string_view text) {
  AnswerHead head;
  if (!text.starts_with("HTTP/1.1 ") || text.size() < 12 || !read_number(text.substr(9, 3), head.status) ||
      head.status < 100)
    return std::nullopt;
  if (head.status == 100) return head;
  if (!read_number(field(text, "content-length"), head.length)) return std::nullopt;
  return head;
}

Result<Request> Request::open(const HostAndPort& at, const TlsContext& context, const std::string& host_must_be,
                              const std::atomic<bool>* stop) {
  addrinfo wanted{}, *first = nullptr;
  wanted.ai_socktype = SOCK_STREAM;
  const int unknown = ::getaddrinfo(at.host.c_str(), std::to_string(at.port).c_str(), &wanted, &first);
  if (unknown != 0) return unreachable("cannot find " + join_address(at) + ": " + ::gai_strerror(unknown));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> all(first, ::freeaddrinfo);
  Request made(Descriptor{}, stop);
  std::string why = "it has no address";
  for (const auto* one = all.get(); one && !why.empty(); one = one->ai_next) why = connect(*one, made.socket_, stop);
  if (!why.empty()) return unreachable("cannot reach " + join_address(at) + ": " + why);
  made.tls_ = std::make_unique<Tls>(context, made.socket_.get(), Tls::Role::client, host_must_be);
  const auto done = made.finish([&made] { return made.tls_->handshake(); });
  if (!done) return unreachable(join_address(at) + " is not our coordinator: " + done.error().message);
  return made;
}

template <class Try>
Result<std::size_t> Request::finish(Try attempt) {
  using State = Tls::Step::State;
  for (;;) {
    const auto step = attempt();
    if (step.state == State::done) return step.bytes;
    if (step.state == State::ended) return unreachable("the coordinator hung up");
    if (step.state == State::broken) return unreachable(tls_->why());
    if (const auto why = await(socket_.get(), step.state == State::wants_read ? POLLIN : POLLOUT, stop_); !why.empty())
      return unreachable(why);
  }
}

Result<Done> Request::send(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = finish([&] { return tls_->write(bytes.data(), bytes.size()); });
    if (!sent) return sent.error();
    bytes.remove_prefix(*sent);
  }
  return Done{};
}

bool Request::is_answered() const {
  pollfd one{socket_.get(), POLLIN, 0};
  return !received_.empty() || ::poll(&one, 1, 0) > 0;
}

Result<std::size_t> Request::receive(char* into, std::size_t most) {
  if (received_.empty()) return finish([&] { return tls_->read(into, most); });
  const auto n = std::min(most, received_.size());
  std::copy_n(received_.begin(), n, into);
  received_.erase(0, n);
  return n;
}

Result<AnswerHead> Request::receive_head() {
  for (;;) {
    const auto end = received_.find("\r\n\r\n");
    if (end != std::string::npos) {
      const auto head = parse_answer_head(std::string_view(received_).substr(0, end + 4));
      received_.erase(0, end + 4);
      if (!head) return unreachable("whoever is there speaks no HTTP that we know");
      return *head;
    }
    if (received_.size() > kHeadLimit) return unreachable("whoever is there speaks no HTTP that we know");
    char piece[4096];
    const auto n = finish([&] { return tls_->read(piece, sizeof piece); });
    if (!n) return n.error();
    received_.append(piece, *n);
  }
}

Result<std::string> Request::receive_text(const AnswerHead& head) {
  std::string text(std::min<std::uint64_t>(head.length, kTextLimit), '\0');
  for (std::size_t have = 0; have < text.size();) {
    const auto n = receive(text.data() + have, text.size() - have);
    if (!n) return n.error();
    have += *n;
  }
  return text;
}

}  // namespace tune::detail
