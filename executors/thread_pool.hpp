// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <filesystem>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "executors/thread.hpp"

namespace tune {
namespace detail {

/// The wall clock at the beginning, carried on by a clock that never goes back.
class LoopClock {
 public:
  Time now() const { return {start_ + std::chrono::duration<double>(Steady::now() - began_).count()}; }
  std::chrono::steady_clock::time_point at(Time t) const {
    const double ahead = std::clamp(t.seconds - start_, -1e9, 1e9);
    return began_ + std::chrono::duration_cast<Steady::duration>(std::chrono::duration<double>(ahead));
  }

 private:
  using Steady = std::chrono::steady_clock;
  Steady::time_point began_ = Steady::now();
  double start_ = std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
};

}  // namespace detail

/// Threads, the launches they take and the observations they leave. All under `mutex_`, but for what says otherwise.
class ThreadExecutor::Pool : public std::enable_shared_from_this<Pool> {
 public:
  Pool(const Spec& spec, TrainableFactory factory, std::string checkpoints);
  ~Pool();

  std::vector<Observation> open(const History&);
  void launch(const Launch&, const History&);
  void extend(TrialId, std::int64_t until_step);
  void ask(TrialId, int attempt, Cause);
  void collect(const Collect&);
  std::vector<Observation> wait(std::optional<Time> until);
  void interrupt();
  void shut_down(bool kill);
  void join();
  Time now() const { return clock_.now(); }

 private:
  struct Order {
    TrialId trial;
    int attempt = 0;
    std::int64_t until_step = kNoStep;
    std::optional<std::string> from;
    std::int64_t from_step = 0;
    Params params;
    std::uint64_t seed = 0;
  };
  class Line;

  void serve();
  void delete_files();
  void run(Line&, std::unique_lock<std::mutex>&);
  void tell(Observation);
  void leave(TrialId, int attempt, Cause);

  // Copied: code that was killed may still ask after the spec is gone.
  const std::string name_;
  const Spec& spec_;  // Only on the loop's side.
  const std::vector<std::string> instances_;
  const bool saves_;
  const std::optional<std::int64_t> save_every_;
  const std::optional<Duration> trial_time_;
  const double cpus_each_;
  const int slots_;
  const TrainableFactory factory_;
  const detail::LoopClock clock_;
  std::filesystem::path root_;
  bool temporary_ = false;

  std::mutex mutex_;
  std::condition_variable work_, heard_;
  std::deque<Order> again_, fresh_;  // Trials that ran before go first.
  std::unordered_map<std::int64_t, Line*> live_;
  std::unordered_map<std::int64_t, int> newest_;  // Attempt by trial, so that a launch carried out twice is one.
  std::vector<Observation> out_;
  std::vector<std::thread> threads_;
  std::deque<Collect> rubbish_;  // For `deleter_`, which is there while there is any.
  std::thread deleter_;
  bool deleting_ = false;
  int idle_ = 0;
  bool listening_ = false, interrupt_ = false, ending_ = false, killed_ = false;
};

}  // namespace tune
