// SPDX-License-Identifier: Apache-2.0
#include "executors/thread_line.hpp"

#include <cerrno>
#include <cstring>

#include "executors/checkpoints.hpp"
#include "executors/private_folder.hpp"

namespace tune {

namespace fs = std::filesystem;

ThreadExecutor::Pool::Line::Line(Pool& pool, Order order)
    : pool_(pool), order_(std::move(order)), until_(order_.until_step), began_(pool.clock_.now()) {}

std::int64_t ThreadExecutor::Pool::Line::until_step() const {
  const std::lock_guard lock(pool_.mutex_);
  return until_;
}

bool ThreadExecutor::Pool::Line::report(std::int64_t step, const Metrics& metrics) {
  if (step <= last_step_)
    throw std::invalid_argument("step " + std::to_string(step) + " was reported after step " +
                                std::to_string(last_step_));
  last_step_ = step;
  std::unique_lock lock(pool_.mutex_);
  Reported r;
  r.trial = order_.trial;
  r.attempt = order_.attempt;
  r.seq = ++seq_;
  r.step = step;
  r.metrics = metrics;
  pool_.tell(std::move(r));
  if (!asked_ && pool_.trial_time_ && pool_.clock_.now() - began_ > *pool_.trial_time_) asked_ = Cause::timeout;
  changed_.wait(lock, [&] { return step < until_ || asked_; });
  told_ = asked_;
  return !told_;
}

bool ThreadExecutor::Pool::Line::should_save() const {
  if (!pool_.saves_) return false;
  if (told_) return *told_ == Cause::paused || *told_ == Cause::shutdown;
  return pool_.save_every_ && last_step_ % *pool_.save_every_ == 0;
}

void ThreadExecutor::Pool::Line::save(std::int64_t step, const std::function<void(const fs::path&)>& write) {
  if (!pool_.saves_) throw std::logic_error("nothing can be saved: the config has no `checkpoint`");
  const Time began = pool_.clock_.now();
  const fs::path folder =
      pool_.root_ / "saving" / ("trial-" + std::to_string(order_.trial.value) + "-" + std::to_string(order_.attempt));
  std::error_code error;
  fs::remove_all(folder, error);
  if (!make_private_folder(folder)) throw detail::SaveFailed(folder.string() + ": " + std::strerror(errno));
  write(folder);
  const auto origin = Checkpoints::origin(pool_.name_, order_.trial, order_.attempt, step);
  auto committed = Checkpoints{pool_.root_}.commit(folder, origin);
  if (!committed) throw detail::SaveFailed(committed.error().message);
  Checkpointed c;
  c.trial = order_.trial;
  c.attempt = order_.attempt;
  c.step = step;
  c.checkpoint = std::move(committed->hash);
  c.bytes = committed->bytes;
  c.seconds = (pool_.clock_.now() - began).seconds;
  const std::lock_guard lock(pool_.mutex_);
  pool_.tell(std::move(c));
}

Exited ThreadExecutor::Pool::Line::ended(Cause cause, std::string text) const {
  Exited e;
  e.trial = order_.trial;
  e.attempt = order_.attempt;
  e.cause = cause;
  e.last_seq = seq_;
  e.text = std::move(text);
  e.usage.seconds = (pool_.clock_.now() - began_).seconds;
  return e;
}

}  // namespace tune
