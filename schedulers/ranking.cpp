// SPDX-License-Identifier: Apache-2.0
#include "schedulers/ranking.hpp"

#include <bit>

#include "tuner/result.hpp"
#include "tuner/rng.hpp"

namespace tune::detail {

// Splits a tree into the entries below `by` and the rest. As deep as the tree: O(log n) expected.
void RungRanking::split(Index tree, const Entry& by, Index& less, Index& rest) {
  if (tree == kNone) {
    less = rest = kNone;
    return;
  }
  Index middle = kNone;
  if (node(tree).entry < by) {
    split(node(tree).right, by, middle, rest);
    node(tree).right = middle;
    less = tree;
  } else {
    split(node(tree).left, by, less, middle);
    node(tree).left = middle;
    rest = tree;
  }
  count(tree);
}

void RungRanking::insert(Entry e) {
  const auto fresh = static_cast<Index>(nodes_.size());
  Rng hash{std::bit_cast<std::uint64_t>(e.score), static_cast<std::uint64_t>(e.trial.value)};
  nodes_.push_back({e, static_cast<std::uint32_t>(hash.next())});
  // Down to the place where the new node has the highest priority; what is below is split around it.
  Index* link = &root_;
  while (*link != kNone && node(*link).priority >= node(fresh).priority) {
    Node& n = node(*link);
    ++n.size;
    link = e < n.entry ? &n.left : &n.right;
  }
  const Index below = *link;
  *link = fresh;
  Index less = kNone, rest = kNone;
  split(below, e, less, rest);
  node(fresh).left = less;
  node(fresh).right = rest;
  count(fresh);
}

std::int64_t RungRanking::rank(const Entry& e) const {
  std::int64_t better = 0;
  for (Index i = root_; i != kNone;) {
    const Node& n = node(i);
    if (n.entry < e) {
      better += 1 + size_of(n.left);
      i = n.right;
    } else {
      i = n.left;
    }
  }
  return better + 1;
}

const RungRanking::Entry& RungRanking::at(std::int64_t place) const {
  TUNE_ASSERT(place >= 1 && place <= size());
  Index i = root_;
  for (;;) {
    const Node& n = node(i);
    const std::int64_t left = size_of(n.left);
    if (place <= left) {
      i = n.left;
    } else if (place == left + 1) {
      return n.entry;
    } else {
      place -= left + 1;
      i = n.right;
    }
  }
}

}  // namespace tune::detail
