// SPDX-License-Identifier: Apache-2.0
#include "search/seen.hpp"

#include "search/lattice.hpp"

namespace tune::detail {

Seen::Seen(const Space& space) : space_(space) {
  const auto total = space.cardinality();
  if (!total || *total > kMost) return;
  total_ = total;
  if (space.constraints().empty()) {
    left_ = total;
  } else if (*total <= Lattice::kQuick) {
    auto lattice = Lattice::of(space);
    if (!lattice) return;
    std::uint64_t count = 0;
    do {
      if (space.satisfies(lattice->at())) ++count;
      lattice->advance();
    } while (!lattice->first());
    left_ = count;
  }
}

void Seen::learn(const Record& r) {
  if (!total_) return;
  if (const auto* p = r.as<Propose>()) proposed_.insert(fingerprint(p->params));
}

bool Seen::contains(const Params& p) const { return total_ && proposed_.contains(fingerprint(p)); }

std::optional<Params> Seen::unseen(std::uint64_t start) const {
  if (!total_ || exhausted()) return std::nullopt;
  auto lattice = Lattice::of(space_);
  if (!lattice) return std::nullopt;
  lattice->seek(start % *total_);
  for (std::uint64_t i = 0; i < *total_; ++i, lattice->advance())
    if (!contains(lattice->at()) && space_.satisfies(lattice->at())) return lattice->at();
  return std::nullopt;
}

}  // namespace tune::detail
