// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/signals.hpp"

#include <pthread.h>

#include <atomic>
#include <csignal>
#include <thread>

namespace tune {

class Signals::Thread {
 public:
  explicit Thread(std::function<void(int)> receive) : receive_(std::move(receive)) {
    std::signal(SIGPIPE, SIG_IGN);
    std::signal(SIGXFSZ, SIG_IGN);
    sigemptyset(&ours_);
    for (const int s : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP, SIGUSR1}) sigaddset(&ours_, s);
    pthread_sigmask(SIG_BLOCK, &ours_, &before_);
    thread_ = std::thread([this] { wait(); });
  }
  ~Thread() {
    ending_ = true;
    pthread_kill(thread_.native_handle(), SIGUSR1);
    thread_.join();
    pthread_sigmask(SIG_SETMASK, &before_, nullptr);
  }

 private:
  void wait() {
    for (int signal = 0;;) {
      if (sigwait(&ours_, &signal) != 0) continue;
      if (ending_) return;
      receive_(signal);
    }
  }

  const std::function<void(int)> receive_;
  sigset_t ours_{}, before_{};
  std::atomic<bool> ending_{false};
  std::thread thread_;
};

Signals::Signals(std::function<void(int)> receive) : thread_(std::make_unique<Thread>(std::move(receive))) {}
Signals::~Signals() = default;

}  // namespace tune
