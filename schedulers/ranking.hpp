// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstdint>
#include <vector>

#include "tuner/ids.hpp"

namespace tune::detail {

/// Scores in order, smaller first, equal ones by the trial's number; and who stands where. Kept as sorted blocks of at most
/// 1,024: every verb and question is a search and a walk over the blocks, O(n / 1,024), which for a million entries is less
/// than what a balanced tree of that size waits for memory. 16 bytes an entry, up to twice that in blocks just halved.
class RungRanking {
 public:
  struct Entry {
    double score = 0;  ///< Never NaN.
    TrialId trial;
    auto operator<=>(const Entry&) const = default;
  };

  void insert(const Entry&);
  /// Does nothing if it is not in.
  void erase(const Entry&);
  /// Place of the entry among all, from 1: one more than there are better ones. It need not be in.
  std::int64_t rank(const Entry&) const;
  /// The entry at this place, from 1 to size().
  const Entry& at(std::int64_t place) const;
  const Entry& first() const { return blocks_.front().front(); }
  const Entry& last() const { return lasts_.back(); }
  std::int64_t size() const { return size_; }
  bool empty() const { return size_ == 0; }

 private:
  using Block = std::vector<Entry>;
  /// The block where the entry is or would be; the last one if it is greater than all.
  std::size_t block_of(const Entry&) const;

  std::vector<Block> blocks_;  // In order, none empty.
  std::vector<Entry> lasts_;   // Of each block: to find it without touching others.
  std::int64_t size_ = 0;
};

}  // namespace tune::detail
