// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <deque>
#include <memory>
#include <string>

#include "tuner/store.hpp"

namespace tune {

/// A journal that lives as long as this object: for simulations, tests and `--store :memory:`. Everything is durable
/// the moment it is appended, as durable as it gets. append() and read() belong to one thread; durable() to any.
///
/// The newest records are kept as they are, about 600 bytes each with what hangs on them; older ones packed, in about 50.
class MemoryStore : public Store {
 public:
  /// `newest`: so many are kept as they are.
  explicit MemoryStore(std::size_t newest = 50'000) : newest_(newest) {}
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
  /// The newest ones.
  const std::deque<std::shared_ptr<const Batch>>& batches() const { return batches_; }

 private:
  void put_away(const Batch&);

  std::size_t newest_, held_ = 0;               // Records of batches_.
  std::deque<std::string> old_;                 // Packed, in pieces of about a megabyte.
  std::string packed_;                          // The record that is being put away.
  std::deque<std::shared_ptr<const Batch>> batches_;
  std::function<void()> heard_;
  std::atomic<Seq> last_{0};
  std::int64_t epoch_ = 1;
};

}  // namespace tune
