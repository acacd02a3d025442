// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "ui/api/ask_tell.hpp"

namespace tune {

/// The experiments of a store whose trials are asked for over the network. Each is owned from its first request until none
/// has come for a few seconds, so that a request costs a commit rather than the folding of a journal, and others (`tune
/// ask`) have their turn. Any thread.
class Asking {
 public:
  explicit Asking(std::string store) : store_(std::move(store)) {}
  ~Asking();
  Asking(const Asking&) = delete;
  Asking& operator=(const Asking&) = delete;

  /// Errors: those of AskTell::open_existing, and of `what`. After an io error the experiment is opened anew.
  Result<std::string> with(const std::string& experiment, const std::function<Result<std::string>(AskTell&)>& what);
  /// Gives an experiment up at once, if nothing is asked of it just now: somebody else wants to own it.
  void release(const std::string& experiment);

 private:
  using Clock = std::chrono::steady_clock;
  struct Open {
    std::mutex opening;
    std::unique_ptr<AskTell> experiment;
    Clock::time_point used;
    int users = 0;  // Guarded by mutex_, like `used`.
  };
  void release_idle();

  const std::string store_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::map<std::string, std::shared_ptr<Open>> open_;
  bool ending_ = false;
  std::thread thread_;  // From the first request on.
};

}  // namespace tune
