// SPDX-License-Identifier: Apache-2.0
#include "store/memory.hpp"

#include "tuner/result.hpp"

namespace tune {

Result<Done> MemoryStore::append(std::shared_ptr<const Batch> batch) {
  Seq last = durable();
  for (const auto& record : batch->records)
    TUNE_ASSERT(record.seq == ++last, "seq " + std::to_string(record.seq) + ", expected " + std::to_string(last));
  batches_.push_back(std::move(batch));
  last_.store(last, std::memory_order_release);
  if (heard_) heard_();
  return Done{};
}

Result<Done> MemoryStore::read(Seq from, const std::function<void(Record&&)>& each) const {
  for (const auto& batch : batches_)
    for (const auto& record : batch->records)
      if (record.seq >= from) each(Record{record});
  return Done{};
}

}  // namespace tune
