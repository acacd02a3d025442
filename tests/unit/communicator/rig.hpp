// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "executors/descriptor.hpp"
#include "ui/communicator/communicator.hpp"

namespace tune::test {

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return at;
}

/// That nobody uses, for the moment.
inline std::uint16_t free_port() {
  const Descriptor socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
  sockaddr_in at = loopback(0);
  socklen_t size = sizeof at;
  ::bind(socket.get(), reinterpret_cast<sockaddr*>(&at), size);
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&at), &size);
  return ntohs(at.sin_port);
}

inline TcpRank rank_of(int rank, int size, std::uint16_t port, RankTimeouts timeouts = {std::chrono::seconds(20), std::chrono::seconds(20)}) {
  return {rank, size, "127.0.0.1", port, "trial", timeouts};
}

/// What a rank threw; empty: nothing.
inline std::string complaint(const std::function<void()>& body) {
  try {
    return body(), std::string{};
  } catch (const CommunicatorError& error) {
    return error.what();
  }
}

/// Runs `body` in `size` ranks that are threads, and returns what each threw.
inline std::vector<std::string> in_threads(int size, const std::function<void(Communicator&)>& body) {
  const std::uint16_t port = free_port();
  std::vector<std::string> said(static_cast<std::size_t>(size));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < size; ++rank)
    threads.emplace_back([&, rank] { said[static_cast<std::size_t>(rank)] = complaint([&] { body(*tcp_communicator(rank_of(rank, size, port))); }); });
  for (auto& thread : threads) thread.join();
  return said;
}

/// A process that runs `body` and ends with its exit code; one that throws ends with 99.
inline pid_t fork_rank(const std::function<int()>& body) {
  const pid_t pid = ::fork();
  if (pid != 0) return pid;
  int code = 99;
  complaint([&] { code = body(); });
  ::_exit(code);
}

inline int exit_code(pid_t pid) {
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

}  // namespace tune::test
