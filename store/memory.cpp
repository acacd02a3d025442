// SPDX-License-Identifier: Apache-2.0
#include "store/memory.hpp"

#include <string_view>

#include "store/packed.hpp"
#include "tuner/result.hpp"

namespace tune {
namespace {

constexpr std::size_t kPiece = 1 << 20;

}  // namespace

Result<Done> MemoryStore::append(std::shared_ptr<const Batch> batch) {
  Seq last = durable();
  for (const auto& record : batch->records)
    TUNE_ASSERT(record.seq == ++last, "seq " + std::to_string(record.seq) + ", expected " + std::to_string(last));
  held_ += batch->records.size();
  batches_.push_back(std::move(batch));
  for (; held_ > newest_; batches_.pop_front()) put_away(*batches_.front());
  last_.store(last, std::memory_order_release);
  if (heard_) heard_();
  return Done{};
}

void MemoryStore::put_away(const Batch& batch) {
  for (const auto& record : batch.records) {
    packed_.clear();
    detail::pack(record, packed_);
    if (old_.empty() || old_.back().size() + packed_.size() > kPiece) old_.emplace_back().reserve(kPiece);
    old_.back() += packed_;
  }
  held_ -= batch.records.size();
}

Result<Done> MemoryStore::read(Seq from, const std::function<void(Record&&)>& each) const {
  for (const std::string& piece : old_)
    for (std::string_view rest = piece; !rest.empty();) {
      auto record = detail::unpack(rest);
      if (record.seq >= from) each(std::move(record));
    }
  for (const auto& batch : batches_)
    for (const auto& record : batch->records)
      if (record.seq >= from) each(Record{record});
  return Done{};
}

}  // namespace tune
