// SPDX-License-Identifier: Apache-2.0
#include "ui/api/inbox.hpp"

#include <algorithm>

namespace tune {

void ThreadSafeInbox::put(Observation wish, Reply reply) {
  {
    const std::lock_guard lock{mutex_};
    if (auto* request = std::get_if<Requested>(&wish)) {
      request->id = next_id_++;
      if (reply) replies_.emplace(request->id, std::move(reply));
    } else if (reply) {
      anonymous_.emplace_back(wish, std::move(reply));
    }
    wishes_.push_back(std::move(wish));
  }
  wake_();
}

void ThreadSafeInbox::end(Ending ending) {
  auto now = ending_.load();
  while (now < ending && !ending_.compare_exchange_weak(now, ending)) {
  }
  wake_();
}

std::vector<Observation> ThreadSafeInbox::take() {
  const std::lock_guard lock{mutex_};
  return std::exchange(wishes_, {});
}

void ThreadSafeInbox::refuse(const Requested& request, const Error& why) { answer(request, why); }

void ThreadSafeInbox::recorded(const Observation& fact) { answer(fact, std::nullopt); }

void ThreadSafeInbox::answer(const Observation& fact, std::optional<Error> why) {
  Reply reply;
  {
    const std::lock_guard lock{mutex_};
    if (const auto* request = std::get_if<Requested>(&fact)) {
      const auto it = replies_.find(request->id);
      if (it != replies_.end()) reply = std::move(it->second), replies_.erase(it);
    } else if (!anonymous_.empty()) {
      const auto it = std::find_if(anonymous_.begin(), anonymous_.end(), [&](const auto& a) { return a.first == fact; });
      if (it != anonymous_.end()) reply = std::move(it->second), anonymous_.erase(it);
    }
  }
  if (reply) reply(std::move(why));
}

}  // namespace tune
