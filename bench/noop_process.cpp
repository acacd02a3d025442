// SPDX-License-Identifier: Apache-2.0
// Programs that do nothing, a trial each: the whole path (proposed, recorded, launched, read, settled, durable) beside a raw
// loop of posix_spawn + pipe + pidfd on the same cores, in turns. Prints trials/s of both and the ratio in each round.
//   bench_noop_process [ROUNDS] [TRIALS] [IN_FLIGHT]
#include <fcntl.h>
#include <spawn.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench/support.hpp"

using namespace tune;
using namespace tune::bench;

namespace {

char kProgram[] = "/bin/echo", kLine[] = "::tune {\"loss\": 1}";

double raw(int trials, int in_flight) {
  struct Slot {
    int pidfd = -1, out = -1;
    int open = 0;
  };
  std::vector<Slot> slots(static_cast<std::size_t>(in_flight));
  const int epoll = epoll_create1(EPOLL_CLOEXEC);
  char* argv[] = {kProgram, kLine, nullptr};
  int started = 0, done = 0;
  const auto watch = [&](int fd, std::uint64_t key) {
    epoll_event e{};
    e.events = EPOLLIN;
    e.data.u64 = key;
    epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
  };
  const auto start = [&](std::uint64_t i) {
    int pipe[2];
    if (pipe2(pipe, O_CLOEXEC)) std::abort();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, pipe[1], 1);
    pid_t pid = 0;
    if (posix_spawn(&pid, kProgram, &actions, nullptr, argv, environ)) std::abort();
    posix_spawn_file_actions_destroy(&actions);
    close(pipe[1]);
    slots[i] = {static_cast<int>(syscall(SYS_pidfd_open, pid, 0)), pipe[0], 2};
    watch(slots[i].pidfd, i * 2);
    watch(slots[i].out, i * 2 + 1);
    ++started;
  };
  const double began = now();
  for (int i = 0; i < in_flight; ++i) start(static_cast<std::uint64_t>(i));
  while (done < trials) {
    epoll_event events[16];
    const int n = epoll_wait(epoll, events, 1, -1);  // One by one: a slot started again must not get its predecessor's event.
    for (int k = 0; k < n; ++k) {
      const auto i = events[k].data.u64 / 2;
      Slot& s = slots[i];
      if (events[k].data.u64 & 1) {
        char text[4096];
        if (read(s.out, text, sizeof text) > 0) continue;
        epoll_ctl(epoll, EPOLL_CTL_DEL, s.out, nullptr);
        close(s.out);
      } else {
        siginfo_t info{};
        waitid(P_PIDFD, static_cast<id_t>(s.pidfd), &info, WEXITED);
        epoll_ctl(epoll, EPOLL_CTL_DEL, s.pidfd, nullptr);
        close(s.pidfd);
      }
      if (--s.open == 0 && (++done, started < trials)) start(i);
    }
  }
  close(epoll);
  return trials / (now() - began);
}

double whole(int trials, int in_flight, const std::string& store) {
  const auto sweep = open(R"({"name": "noop", "command": ["/bin/echo", "::tune {\"loss\": 1}"],
    "params": {"a": {"type": "uniform", "min": 0, "max": 1}, "b": {"type": "uniform", "min": 0, "max": 1},
               "c": {"type": "uniform", "min": 0, "max": 1}, "d": {"type": "uniform", "min": 0, "max": 1}, "x-unused": 0},
    "objective": {"metric": "loss", "goal": "minimize"}, "search": {"type": "random"}, "scheduler": {"type": "fifo"},
    "executor": {"type": "process", "parallel": )" + std::to_string(in_flight) + R"(},
    "stop": {"trials": )" + std::to_string(trials) + "}}", store);
  const double began = now();
  run(*sweep);
  return trials / (now() - began);
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5, trials = argc > 2 ? std::atoi(argv[2]) : 2000,
            in_flight = argc > 3 ? std::atoi(argv[3]) : 2;
  Folder folder;
  std::vector<double> raws, wholes, ratios;
  for (int r = 0; r < rounds; ++r) {
    raws.push_back(raw(trials, in_flight));
    wholes.push_back(whole(trials, in_flight, folder / ("noop-" + std::to_string(r) + ".db")));
    ratios.push_back(wholes.back() / raws.back());
    std::printf("round %d: raw %.0f trials/s, tune %.0f trials/s, ratio %.2f\n", r + 1, raws.back(), wholes.back(), ratios.back());
  }
  std::printf("median: raw %.0f, tune %.0f, ratio %.2f (%d in flight, durable store)\n", median(raws), median(wholes), median(ratios), in_flight);
}
