// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>

namespace tune {

/// Signals as ordinary calls on a thread of its own, for as long as this lives: no handler ever runs, so what they call
/// may lock and allocate. Make it before any other thread, so that all of them inherit the mask. SIGPIPE and SIGXFSZ
/// become errors of the write that caused them.
///
/// SIGINT SIGTERM SIGHUP SIGQUIT SIGTSTP SIGUSR1 are handed over; the mask is as before afterwards.
class Signals {
 public:
  explicit Signals(std::function<void(int signal)> receive);
  ~Signals();

 private:
  class Thread;
  std::unique_ptr<Thread> thread_;
};

}  // namespace tune
