// SPDX-License-Identifier: Apache-2.0
#include "schedulers/ranking.hpp"

#include <algorithm>

#include "tuner/result.hpp"

namespace tune::detail {
namespace {

constexpr std::size_t kFull = 1024;

template <class T>
auto place(T& things, std::size_t i) {
  return things.begin() + static_cast<std::ptrdiff_t>(i);
}

}  // namespace

std::size_t RungRanking::block_of(const Entry& e) const {
  const auto at = std::lower_bound(lasts_.begin(), lasts_.end(), e) - lasts_.begin();
  return std::min(static_cast<std::size_t>(at), lasts_.size() - 1);
}

void RungRanking::insert(const Entry& e) {
  if (++size_ == 1) {
    blocks_.push_back({e});
    lasts_.push_back(e);
    return;
  }
  const std::size_t b = block_of(e);
  Block& block = blocks_[b];
  block.insert(std::upper_bound(block.begin(), block.end(), e), e);
  lasts_[b] = block.back();
  if (block.size() < kFull) return;
  Block upper(place(block, kFull / 2), block.end());
  block.erase(place(block, kFull / 2), block.end());
  lasts_.insert(place(lasts_, b), block.back());
  blocks_.insert(place(blocks_, b + 1), std::move(upper));
}

void RungRanking::erase(const Entry& e) {
  if (empty()) return;
  const std::size_t b = block_of(e);
  Block& block = blocks_[b];
  const auto at = std::lower_bound(block.begin(), block.end(), e);
  if (at == block.end() || *at != e) return;
  block.erase(at);
  --size_;
  if (!block.empty()) {
    lasts_[b] = block.back();
    return;
  }
  blocks_.erase(place(blocks_, b));
  lasts_.erase(place(lasts_, b));
}

std::int64_t RungRanking::rank(const Entry& e) const {
  if (empty()) return 1;
  const std::size_t b = block_of(e);
  std::size_t better = 0;
  for (std::size_t i = 0; i < b; ++i) better += blocks_[i].size();
  better += static_cast<std::size_t>(std::lower_bound(blocks_[b].begin(), blocks_[b].end(), e) - blocks_[b].begin());
  return static_cast<std::int64_t>(better) + 1;
}

const RungRanking::Entry& RungRanking::at(std::int64_t where) const {
  TUNE_ASSERT(where >= 1 && where <= size_);
  auto left = static_cast<std::size_t>(where) - 1;
  auto block = blocks_.begin();
  for (; left >= block->size(); ++block) left -= block->size();
  return (*block)[left];
}

}  // namespace tune::detail
