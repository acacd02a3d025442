// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "tuner/tuner.hpp"

namespace tune {

/// The inbox of a live sweep: any thread puts in, the loop takes out.
class ThreadSafeInbox final : public Inbox {
 public:
  /// Called on the loop's thread, once: with nothing when the wish is durable, or with the reason why it was refused.
  using Reply = std::function<void(std::optional<Error>)>;

  /// `wake` makes the loop look: called from the thread that puts in.
  explicit ThreadSafeInbox(std::function<void()> wake) : wake_(std::move(wake)) {}

  /// Requests get their id here.
  void put(Observation wish, Reply reply = {});
  /// Only ever gets stricter.
  void end(Ending);

  std::vector<Observation> take() override;
  void refuse(const Requested&, const Error&) override;
  void recorded(const Observation&) override;
  Ending ending() const override { return ending_.load(); }

 private:
  void answer(const Observation&, std::optional<Error>);

  std::function<void()> wake_;
  std::atomic<Ending> ending_{Ending::none};
  std::mutex mutex_;
  std::vector<Observation> wishes_;
  std::int64_t next_id_ = 1;
  std::unordered_map<std::int64_t, Reply> replies_;       // By Requested::id.
  std::vector<std::pair<Observation, Reply>> anonymous_;  // Annotated and Configured have no id; few, so looked up by value.
};

}  // namespace tune
