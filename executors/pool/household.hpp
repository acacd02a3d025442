// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <cstddef>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "executors/process/host.hpp"
#include "tuner/executor.hpp"

namespace tune {

/// An experiment that an agent has trials of: a TrialHost on a thread of its own, which lives as long as its trials do. What still
/// lives ends with it.
///
/// Where no TrialHost can be made (the command does not parse here), every lease comes back at once: Exited{exec} with the reason.
class Household {
 public:
  using Work = std::function<void(TrialHost&)>;
  /// Both are called on the household's thread.
  struct Callbacks {
    std::function<void(std::vector<Observation>, Time at)> happened;
    std::function<void(const std::string& line)> tell;  ///< For people.
  };

  Household(Spec, const ExecutorContext&, Offer, Elsewhere, Callbacks);
  ~Household();

  // --- any thread; carried out in the order in which they were asked for ---
  void ask(Work);
  void lease(Lease);
  /// So many facts of it wait to be acknowledged: from 100,000 on nothing more is taken from its trials, which wait at their next report.
  void unsaid(std::size_t facts);

 private:
  using Asked = std::variant<Work, Lease>;
  void add(Asked);
  /// What was asked for since the last time, and whether it goes on.
  bool wait_for(std::deque<Asked>&);
  void live(const Offer&, const Elsewhere&);
  void run(TrialHost&);
  void refuse(const Error&);

  const Spec spec_;
  const ExecutorContext context_;
  const Callbacks callbacks_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Asked> asked_;
  TrialHost* host_ = nullptr;
  std::size_t unsaid_ = 0;
  bool over_ = false;
  std::thread thread_;  // Last: it uses the above.
};

}  // namespace tune
