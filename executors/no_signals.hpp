// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <signal.h>

namespace tune {

/// Threads that are made while this lives get no signals: those are for the threads that wait for them.
class NoSignals {
 public:
  NoSignals() {
    sigset_t all;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~NoSignals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  NoSignals(const NoSignals&) = delete;

 private:
  sigset_t before_;
};

}  // namespace tune
