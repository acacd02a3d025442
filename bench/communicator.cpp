// SPDX-License-Identifier: Apache-2.0
// All-reduces of 4 MiB of doubles among 2 and 4 ranks on this machine, over TCP; under mpirun (of a tune that was built with TUNE_MPI) among
// the ranks that it started. The figure is the median of what rank 0 waited.
//
//   bench_communicator [ROUNDS]      mpirun -np 4 bench_communicator [ROUNDS]
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <vector>

#include "ui/communicator/communicator.hpp"

namespace {

using namespace tune;

double milliseconds() { return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count(); }

double median_of(Communicator& ranks, std::size_t count, int rounds) {
  std::vector<double> numbers(count, 1.0 / ranks.size()), took;
  for (int round = -3; round < rounds; ++round) {  // The first ones are not counted.
    ranks.barrier();
    const double began = milliseconds();
    ranks.all_reduce(numbers);
    if (round >= 0) took.push_back(milliseconds() - began);
  }
  std::sort(took.begin(), took.end());
  return took[took.size() / 2];
}

void measure(Communicator& ranks, int rounds, const char* over) {
  const double small = median_of(ranks, 1, rounds), large = median_of(ranks, (std::size_t{4} << 20) / sizeof(double), rounds);
  if (ranks.rank() == 0) std::printf("%d ranks over %s: all-reduce of 8 bytes %.3f ms, of 4 MiB %.2f ms\n", ranks.size(), over, small, large);
}

std::uint16_t free_port() {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof at;
  ::bind(socket, reinterpret_cast<sockaddr*>(&at), size);
  ::getsockname(socket, reinterpret_cast<sockaddr*>(&at), &size);
  ::close(socket);
  return ntohs(at.sin_port);
}

void over_tcp(int size, int rounds) {
  const std::uint16_t port = free_port();
  for (int rank = 1; rank < size; ++rank)
    if (::fork() == 0) {
      measure(*tcp_communicator({rank, size, "127.0.0.1", port}), rounds, "TCP");
      ::_exit(0);
    }
  measure(*tcp_communicator({0, size, "127.0.0.1", port}), rounds, "TCP");
  while (::wait(nullptr) > 0) {}
}

}  // namespace

int main(int count, char** arguments) {
  const int rounds = count > 1 ? std::max(1, std::atoi(arguments[1])) : 50;
  if (std::getenv("OMPI_COMM_WORLD_SIZE")) {
    measure(*communicator_from_environment(), rounds, "MPI");
    return 0;
  }
  for (const int size : {2, 4}) over_tcp(size, rounds);
}
