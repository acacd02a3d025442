// SPDX-License-Identifier: Apache-2.0
// The process executor alone, without a store: how fast it starts programs that do nothing, against a bare loop of
// posix_spawn, pipe and pidfd in the same minute (that ratio is what to compare between machines), and how many reports a
// second it takes from 8 programs.
//
//   bench_launch [ROUNDS] [TRIALS] [IN_FLIGHT]      bench_launch child REPORTS (what it starts itself)
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <string>
#include <vector>

#include "executors/process/process_executor.hpp"

extern char** environ;

namespace {

using namespace tune;

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  const auto of = [](const timeval& t) { return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_usec) * 1e-6; };
  return of(used.ru_utime) + of(used.ru_stime);
}

struct Outcome {
  double rate = 0, cpu_us = 0;
};

// The limit: what any launcher must do.
Outcome raw(int trials, int in_flight) {
  const double began = now(), cpu = cpu_seconds();
  struct Slot {
    pid_t pid = 0;
    int out = -1, pidfd = -1;
  };
  std::vector<Slot> slots;
  int started = 0, ended = 0;
  const auto start = [&] {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) std::abort();
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
    char program[] = "/bin/true";
    char* argv[] = {program, nullptr};
    Slot slot;
    if (::posix_spawn(&slot.pid, program, &actions, nullptr, argv, environ) != 0) std::abort();
    ::posix_spawn_file_actions_destroy(&actions);
    ::close(ends[1]);
    slot.out = ends[0];
    slot.pidfd = static_cast<int>(::syscall(SYS_pidfd_open, slot.pid, 0));
    slots.push_back(slot);
    ++started;
  };
  while (ended < trials) {
    while (started < trials && static_cast<int>(slots.size()) < in_flight) start();
    std::vector<pollfd> waits;
    for (const auto& slot : slots) waits.push_back({slot.pidfd, POLLIN, 0});
    ::poll(waits.data(), waits.size(), -1);
    for (std::size_t i = slots.size(); i-- > 0;) {
      if (!(waits[i].revents & POLLIN)) continue;
      char buffer[64];
      while (::read(slots[i].out, buffer, sizeof buffer) > 0) {}
      siginfo_t info{};
      ::waitid(static_cast<idtype_t>(P_PIDFD), static_cast<id_t>(slots[i].pidfd), &info, WEXITED);
      ::close(slots[i].out), ::close(slots[i].pidfd);
      slots.erase(slots.begin() + static_cast<std::ptrdiff_t>(i));
      ++ended;
    }
  }
  return {trials / (now() - began), (cpu_seconds() - cpu) / trials * 1e6};
}

struct Counted {
  Outcome outcome;
  std::int64_t reports = 0;
};

Counted executor(std::vector<std::string> command, int trials, int in_flight, const std::string& folder, bool cgroup) {
  Spec spec;
  spec.name = "bench";
  spec.objectives = {{"loss"}};
  spec.command = std::move(command);
  spec.parallel = in_flight;
  spec.executor.options.set("isolate", std::string{cgroup ? "cgroup" : "none"});
  auto made = ProcessExecutor::make({spec, folder, folder + "/checkpoints"});
  if (!made) std::abort();
  auto& e = **made;
  const History history(spec);
  e.open(history);

  const double began = now(), cpu = cpu_seconds();
  Launch launch;
  launch.attempt = 1;
  launch.params = Params{{"lr", 0.001}, {"units", std::int64_t{64}}};
  Seat seat;
  seat.worker = {0};
  seat.cpus = 1;
  launch.ranks = {seat};
  int ordered = 0, ended = 0;
  std::int64_t reports = 0;
  const auto order = [&] {
    launch.trial = {ordered++};
    e.carry_out({launch, {}}, history);
  };
  while (ordered < std::min(trials, 2 * in_flight)) order();
  while (ended < trials) {
    for (const auto& o : e.wait({})) {
      if (const auto* w = std::get_if<Warned>(&o)) std::fprintf(stderr, "%s: %s\n", w->subject.c_str(), w->text.c_str());
      reports += std::holds_alternative<Reported>(o);
      if (const auto* x = std::get_if<Exited>(&o)) {
        if (x->cause != Cause::done) std::fprintf(stderr, "%s\n", x->text.c_str());
        ++ended;
        if (ordered < trials) order();
      }
    }
  }
  const double seconds = now() - began;
  return {{trials / seconds, (cpu_seconds() - cpu) / trials * 1e6}, static_cast<std::int64_t>(static_cast<double>(reports) / seconds)};
}

int report(int count) {
  const int fd = std::atoi(std::getenv("TUNE_FD"));
  char line[96];
  for (int step = 1; step <= count; ++step) {
    const int n = std::snprintf(line, sizeof line, "{\"step\":%d,\"loss\":%.6f,\"acc\":%.4f,\"lr\":0.001}\n", step, 1.0 / step, 0.9);
    if (::write(fd, line, static_cast<std::size_t>(n)) != n) return 1;
  }
  return 0;
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 3 && std::string{argv[1]} == "child") return report(std::atoi(argv[2]));
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 5, trials = argc > 2 ? std::atoi(argv[2]) : 1000;
  const int in_flight = argc > 3 ? std::atoi(argv[3]) : 2;
  const std::string base = (std::filesystem::temp_directory_path() / ("tune-bench-" + std::to_string(::getpid()))).string();

  struct Way {
    const char* name;
    std::vector<std::string> command;
    bool cgroup;
    std::vector<double> ratios, rates, cpus;
  };
  std::vector<Way> ways = {{"silent program", {"/bin/true"}, false, {}, {}, {}},
                           {"its folder made first", {"/bin/true", "${trial.dir}"}, false, {}, {}, {}},
                           {"folder and both logs", {"/bin/sh", "-c", "echo out; echo err >&2; :", "${trial.dir}"}, false, {}, {}, {}},
                           {"silent, cgroup", {"/bin/true"}, true, {}, {}, {}}};
  std::vector<double> raws, raw_cpu;
  for (int round = 0; round < rounds; ++round) {
    const auto limit = raw(trials, in_flight);
    raws.push_back(limit.rate), raw_cpu.push_back(limit.cpu_us);
    for (std::size_t i = 0; i < ways.size(); ++i) {
      auto& way = ways[i];
      const auto got = executor(way.command, trials, in_flight, base + "/" + std::to_string(round) + "-" + std::to_string(i), way.cgroup).outcome;
      way.ratios.push_back(got.rate / limit.rate), way.rates.push_back(got.rate), way.cpus.push_back(got.cpu_us);
    }
  }
  std::printf("%-22s %8.0f trials/s  ratio 1.00  %4.0f us of our CPU a trial\n", "posix_spawn", median(raws), median(raw_cpu));
  for (const auto& way : ways)
    std::printf("%-22s %8.0f trials/s  ratio %.2f  %4.0f us\n", way.name, median(way.rates), median(way.ratios), median(way.cpus));

  std::vector<double> reports;
  for (int round = 0; round < rounds; ++round)
    reports.push_back(static_cast<double>(
        executor({std::filesystem::read_symlink("/proc/self/exe").string(), "child", "50000"}, 8, 8, base + "/reports-" + std::to_string(round), false).reports));
  std::printf("reports of 3 metrics from 8 programs: %.0f a second\n", median(reports));
  std::filesystem::remove_all(base);
}
