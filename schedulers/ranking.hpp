// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <compare>
#include <cstdint>
#include <vector>

#include "tuner/ids.hpp"

namespace tune::detail {

/// Scores in order, smaller first, equal ones by the trial's number; and who stands where. A treap whose priorities are
/// hashes of the keys, so that the same scores make the same tree: insert, rank and at are O(log n), 32 bytes an entry.
class RungRanking {
 public:
  struct Entry {
    double score = 0;  ///< Never NaN.
    TrialId trial;
    auto operator<=>(const Entry&) const = default;
  };

  void insert(Entry);
  /// Place of the entry among all, from 1: one more than there are better ones. It need not be in.
  std::int64_t rank(const Entry&) const;
  /// The entry at this place, from 1 to size().
  const Entry& at(std::int64_t place) const;
  std::int64_t size() const { return static_cast<std::int64_t>(nodes_.size()); }

 private:
  using Index = std::int32_t;
  static constexpr Index kNone = -1;
  struct Node {
    Entry entry;
    std::uint32_t priority;
    Index left = kNone, right = kNone;
    std::int32_t size = 1;
  };
  Node& node(Index i) { return nodes_[static_cast<std::size_t>(i)]; }
  const Node& node(Index i) const { return nodes_[static_cast<std::size_t>(i)]; }
  std::int32_t size_of(Index i) const { return i == kNone ? 0 : node(i).size; }
  void split(Index tree, const Entry& by, Index& less, Index& rest);
  void count(Index i) { node(i).size = 1 + size_of(node(i).left) + size_of(node(i).right); }

  std::vector<Node> nodes_;
  Index root_ = kNone;
};

}  // namespace tune::detail
