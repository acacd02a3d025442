// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <dirent.h>

#include <catch2/catch.hpp>
#include <chrono>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "executors/process/process_executor.hpp"
#include "tests/support/scratch.hpp"

namespace tune {

/// A process executor alone, with the loop's part played by the test: launches go in, observations come out, each is
/// acknowledged as if it were durable at once.
class Rig {
 public:
  Scratch scratch;
  Spec spec;

  explicit Rig(std::vector<std::string> command) {
    spec.name = "rig";
    spec.objectives = {{"loss"}};
    spec.command = std::move(command);
    spec.cwd = scratch.path();
    spec.shutdown.grace = Duration{5};
    spec.executor.options.set("isolate", std::string{"none"});
    spec.parallel = 4;
  }
  /// The probe program in a mode.
  static Rig probe(const std::string& mode, const std::string& argument = "") {
    return Rig(argument.empty() ? std::vector<std::string>{TUNE_PROBE, mode}
                                : std::vector<std::string>{TUNE_PROBE, mode, argument});
  }

  Executor& executor() {
    if (!executor_) {
      history_ = std::make_unique<History>(spec);
      auto made = ProcessExecutor::make({spec, (scratch.path() / "store.d" / "rig").string(), (scratch.path() / "store.d" / "checkpoints").string()});
      REQUIRE(made);
      executor_ = std::move(*made);
      opened = executor_->open(*history_);
    }
    return *executor_;
  }
  void carry_out(Decision decision, const std::string& why = "") { executor().carry_out({std::move(decision), {0, "test", why, ""}}, *history_); }
  Launch launch_of(std::int64_t trial, int attempt = 1) {
    Launch launch;
    launch.trial = {trial};
    launch.attempt = attempt;
    launch.params = Params{{"lr", 0.1}};
    Seat seat;
    seat.worker = {0};
    seat.cpus = 1;
    launch.ranks = {seat};
    return launch;
  }
  void launch(std::int64_t trial, int attempt = 1) { carry_out(launch_of(trial, attempt)); }

  /// Takes what happens until `enough` says so. (One that never comes is ended by the limit of the whole test program.)
  template <class F>
  void until(F&& enough) {
    executor();
    while (!enough()) {
      auto batch = executor().wait(executor().now() + Duration{60});
      for (auto& o : batch) {
        if (acknowledges) executor().acknowledge(o);
        seen.push_back(std::move(o));
      }
    }
  }
  const Exited& exit_of(std::int64_t trial) {
    until([&] { return find_exit(trial) != nullptr; });
    return *find_exit(trial);
  }
  /// Launches trial 0 and waits for its end.
  const Exited& run() {
    launch(0);
    return exit_of(0);
  }

  template <class T>
  std::vector<T> all() const {
    std::vector<T> out;
    for (const auto& o : seen)
      if (const auto* t = std::get_if<T>(&o)) out.push_back(*t);
    return out;
  }
  std::vector<double> values(const std::string& metric = "loss") const {
    std::vector<double> out;
    for (const auto& r : all<Reported>())
      if (const auto v = r.metrics.find(metric)) out.push_back(*v);
    return out;
  }
  std::vector<std::int64_t> steps() const {
    std::vector<std::int64_t> out;
    for (const auto& r : all<Reported>()) out.push_back(r.step);
    return out;
  }
  std::string file(const std::string& name) const {
    std::ifstream in(scratch.path() / "store.d" / "rig" / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }

  /// Processes of this rig that still live, by the token in their environment.
  int survivors() const {
    const std::string token = "TUNE_ATTEMPT_TOKEN=" + (scratch.path() / "store.d" / "rig").string() + "#";
    int count = 0;
    DIR* proc = ::opendir("/proc");
    while (const dirent* entry = ::readdir(proc)) {
      std::ifstream in(std::string{"/proc/"} + entry->d_name + "/environ", std::ios::binary);
      const std::string environment{std::istreambuf_iterator<char>(in), {}};
      count += environment.find(token) != std::string::npos;
    }
    ::closedir(proc);
    return count;
  }
  /// One that was killed is still there until it has been its turn to die.
  bool all_are_gone() const {
    for (int i = 0; i < 1000 && survivors() > 0; ++i) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    return survivors() == 0;
  }
  void close() { executor_.reset(); }

  std::vector<Observation> seen, opened;
  bool acknowledges = true;

 private:
  const Exited* find_exit(std::int64_t trial) const {
    for (const auto& o : seen)
      if (const auto* e = std::get_if<Exited>(&o); e && e->trial.value == trial) return e;
    return nullptr;
  }
  std::unique_ptr<History> history_;
  std::unique_ptr<Executor> executor_;
};

}  // namespace tune
