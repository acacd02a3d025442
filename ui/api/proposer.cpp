// SPDX-License-Identifier: Apache-2.0
#include "ui/api/proposer.hpp"

#include <chrono>

namespace tune {

ThreadProposer::~ThreadProposer() {
  {
    const std::lock_guard lock{mutex_};
    ending_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

Proposer::Answer ThreadProposer::answer(const Question& question) {
  const auto began = std::chrono::steady_clock::now();
  auto proposal = question.sampler->propose(question.trial, question.rng);
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - began;
  return {question.trial, std::move(proposal), took.count()};
}

void ThreadProposer::begin(const Sampler& sampler, TrialId trial, Rng rng) {
  const Question question{&sampler, trial, rng};
  if (sampler.quick()) {
    answer_ = answer(question);
    return;
  }
  {
    const std::lock_guard lock{mutex_};
    question_ = question;
    busy_ = true;
    if (!thread_.joinable()) thread_ = std::thread{[this] { serve(); }};
  }
  changed_.notify_all();
}

std::optional<Proposer::Answer> ThreadProposer::take(bool block) {
  std::unique_lock lock{mutex_};
  if (block) changed_.wait(lock, [&] { return answer_ || !busy_; });
  return std::exchange(answer_, std::nullopt);
}

void ThreadProposer::serve() {
  std::unique_lock lock{mutex_};
  for (;;) {
    changed_.wait(lock, [&] { return ending_ || question_; });
    if (ending_) return;
    const Question question = *question_;
    question_.reset();
    lock.unlock();
    Answer a = answer(question);
    lock.lock();
    answer_ = std::move(a);
    busy_ = false;
    changed_.notify_all();
    wake_();
  }
}

}  // namespace tune
