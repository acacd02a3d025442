// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <memory>
#include <vector>

#include "tuner/store.hpp"

namespace tune {

/// A journal that lives as long as this object: for simulations, tests and `--store :memory:`. Everything is durable
/// the moment it is appended, as durable as it gets. append() and read() belong to one thread; durable() to any.
class MemoryStore : public Store {
 public:
  Result<Done> append(std::shared_ptr<const Batch> batch) override;
  Seq durable() const override { return last_.load(std::memory_order_acquire); }
  std::optional<Error> trouble() const override { return std::nullopt; }
  Result<Done> flush() override { return Done{}; }
  void listen(std::function<void()> heard) override { heard_ = std::move(heard); }
  /// Unlike other stores at any time, not only before the first append.
  Result<Done> read(Seq from, const std::function<void(Record&&)>&) const override;
  std::int64_t epoch() const override { return epoch_; }

  /// A new owner takes the journal over: the next epoch begins.
  void reopen() { ++epoch_; }
  const std::vector<std::shared_ptr<const Batch>>& batches() const { return batches_; }

 private:
  std::vector<std::shared_ptr<const Batch>> batches_;
  std::function<void()> heard_;
  std::atomic<Seq> last_{0};
  std::int64_t epoch_ = 1;
};

}  // namespace tune
