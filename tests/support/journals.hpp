// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tuner/store.hpp"

namespace tune::test {

/// Writes records by hand: numbers them and hands them out in batches.
class Journal {
 public:
  explicit Journal(std::int64_t epoch = 1, Seq last = 0) : epoch_(epoch), seq_(last) {}

  Record observe(Observation o) { return {++seq_, {1.7e9 + 0.5 * static_cast<double>(seq_)}, epoch_, std::move(o)}; }
  Record decide(Decision d, Reason reason = {}) {
    return {++seq_, {1.7e9 + 0.5 * static_cast<double>(seq_)}, epoch_, Decided{std::move(d), std::move(reason)}};
  }
  /// Report `n` of attempt 1, at step n.
  Record report(std::int64_t trial, std::int64_t n, double loss) {
    Metrics metrics;
    metrics.names = names_, metrics.values = {loss};
    return observe(Reported{{trial}, 1, n, n, std::move(metrics), {}, {}, false});
  }
  /// A batch of `reports` reports of one trial, numbered on from `n`.
  std::shared_ptr<const Batch> reports(std::int64_t trial, std::int64_t n, int count) {
    auto batch = std::make_shared<Batch>();
    for (int i = 0; i < count; ++i) batch->records.push_back(report(trial, n + i, 1.0 / static_cast<double>(n + i)));
    return batch;
  }
  Seq last() const { return seq_; }

 private:
  std::int64_t epoch_;
  Seq seq_;
  std::shared_ptr<const std::vector<std::string>> names_ = std::make_shared<const std::vector<std::string>>(1, "loss");
};

inline std::shared_ptr<const Batch> batch(std::vector<Record> records, std::vector<TrialRow> trials = {}) {
  auto made = std::make_shared<Batch>();
  made->records = std::move(records), made->trials = std::move(trials);
  return made;
}

/// All records of a store, or what it read until the error.
inline std::vector<Record> all(const Store& store, Seq from = 1) {
  std::vector<Record> records;
  (void)store.read(from, [&](Record&& r) { records.push_back(std::move(r)); }).has_value();
  return records;
}

}  // namespace tune::test
