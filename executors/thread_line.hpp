// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <stdexcept>

#include "executors/thread_pool.hpp"

namespace tune {
namespace detail {

/// What a trial is told by save() when there is no room for it: the machine's trouble and not the trial's.
struct SaveFailed : std::runtime_error {
  using runtime_error::runtime_error;
};

}  // namespace detail

/// The session of one attempt, on its thread's stack.
class ThreadExecutor::Pool::Line final : public Session {
 public:
  Line(Pool&, Order);

  const Params& params() const override { return order_.params; }
  std::string trial_id() const override { return pool_.name_ + "/" + std::to_string(order_.trial.value); }
  std::int64_t number_of_trial() const override { return order_.trial.value; }
  std::uint64_t seed() const override { return order_.seed; }
  std::vector<std::string> instances() const override { return pool_.instances_; }
  std::int64_t until_step() const override;
  std::optional<std::filesystem::path> checkpoint() const override { return checkpoint_; }
  std::int64_t checkpoint_step() const override { return checkpoint_ ? order_.from_step : 0; }

  bool report(std::int64_t step, const Metrics&) override;
  bool should_save() const override;
  void save(std::int64_t step, const std::function<void(const std::filesystem::path&)>& write) override;

 private:
  friend class Pool;
  Exited ended(Cause, std::string text) const;

  Pool& pool_;
  const Order order_;
  std::optional<std::filesystem::path> checkpoint_;
  std::int64_t last_step_ = 0, seq_ = 0;
  std::optional<Cause> told_;  // What report() has passed on to the trial.
  // Under the pool's lock:
  std::int64_t until_;
  std::optional<Cause> asked_;
  std::condition_variable changed_;
  const Time began_;
};

}  // namespace tune
