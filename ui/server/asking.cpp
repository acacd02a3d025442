// SPDX-License-Identifier: Apache-2.0
#include "ui/server/asking.hpp"

#include <algorithm>

#include "executors/no_signals.hpp"

namespace tune {
namespace {
constexpr std::chrono::seconds kIdle{5};
constexpr Duration kPatience{10};
}  // namespace

Asking::~Asking() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Result<std::string> Asking::with(const std::string& name, const std::function<Result<std::string>(AskTell&)>& what) {
  std::shared_ptr<Open> own;
  {
    const std::lock_guard lock(mutex_);
    auto& kept = open_[name];
    if (!kept) kept = std::make_shared<Open>();
    own = kept;
    ++own->users;
    if (!thread_.joinable()) {
      const NoSignals here;
      thread_ = std::thread([this] { release_idle(); });
    }
  }
  Result<std::string> answer = std::string{};
  const auto came = Clock::now();
  {
    std::unique_lock lock(own->opening);
    if (!own->experiment) {
      SweepOptions options;
      options.store = store_;
      // From when it came: those that were in line behind one that was patient are not patient all over again.
      options.patience.seconds = std::max(0.0, kPatience.seconds - std::chrono::duration<double>(Clock::now() - came).count());
      auto opened = AskTell::open_existing(name, options);
      if (opened)
        own->experiment = std::move(*opened);
      else
        answer = opened.error();
    }
    if (answer) answer = what(*own->experiment);
    // The fold may be ahead of a journal that could not be written.
    const bool broken = !answer && answer.error().code != Error::Code::invalid && answer.error().code != Error::Code::not_found &&
                        answer.error().code != Error::Code::conflict;
    if (broken) own->experiment.reset();
  }
  const std::lock_guard lock(mutex_);
  --own->users;
  own->used = Clock::now();
  changed_.notify_all();
  return answer;
}

void Asking::release(const std::string& name) {
  const std::lock_guard lock(mutex_);
  const auto found = open_.find(name);
  if (found != open_.end() && found->second->users == 0) open_.erase(found);
}

void Asking::release_idle() {
  std::unique_lock lock(mutex_);
  while (!ending_) {
    auto next = Clock::time_point::max();
    for (auto it = open_.begin(); it != open_.end();) {
      const auto& one = *it->second;
      const auto due = one.used + kIdle;
      if (one.users == 0 && due <= Clock::now()) {
        it = open_.erase(it);
        continue;
      }
      if (one.users == 0) next = std::min(next, due);
      ++it;
    }
    if (next == Clock::time_point::max())
      changed_.wait(lock);
    else
      changed_.wait_until(lock, next);
  }
}

}  // namespace tune
