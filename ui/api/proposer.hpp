// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <condition_variable>
#include <functional>
#include <mutex>
#include <thread>

#include "tuner/tuner.hpp"

namespace tune {

/// Quick samplers propose at once, on the caller's thread; slow ones on a thread of their own, which is made when the first
/// one asks for it and lives as long as this object. begin() and take() are the loop's.
class ThreadProposer final : public Proposer {
 public:
  /// `wake` makes the loop look; called from the proposing thread.
  explicit ThreadProposer(std::function<void()> wake) : wake_(std::move(wake)) {}
  ~ThreadProposer() override;

  void begin(const Sampler&, TrialId, Rng) override;
  std::optional<Answer> take(bool block) override;

 private:
  struct Question {
    const Sampler* sampler;
    TrialId trial;
    Rng rng;
  };
  static Answer answer(const Question&);
  void serve();

  std::function<void()> wake_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Question> question_;
  std::optional<Answer> answer_;
  bool busy_ = false, ending_ = false;
  std::thread thread_;
};

}  // namespace tune
