// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <vector>

#include "tuner/space.hpp"

namespace tune::detail {

/// All values of a finite dimension, in order. O(cardinality).
std::vector<Value> all_values(const Dimension&);

/// Walks the distinct configurations of a space, the last dimension fastest, like an odometer. A conditional parameter
/// has a place only while it is active, so that no configuration comes twice. Constraints are the caller's business.
class Lattice {
 public:
  static constexpr std::uint64_t kQuick = 100'000;  ///< Few enough to be walked while a person waits: 0.1 s.

  /// Each dimension's values, in the space's order of dimensions, none empty.
  Lattice(const Space&, std::vector<std::vector<Value>> values);
  /// All values of a space whose dimensions are finite and of at most 10^7 configurations; nullopt otherwise.
  static std::optional<Lattice> of(const Space&);

  const Params& at() const { return params_; }
  void advance();                   ///< To the next one; after the last one to the first. O(d) amortised.
  void begin();                     ///< To the first.
  void seek(std::uint64_t number);  ///< To the configuration that this number's digits name; any number is fine.
  bool first() const;               ///< At the first one: the walk is round when this holds again.

 private:
  void fill(std::size_t from);

  const Space* space_;
  std::vector<std::vector<Value>> values_;
  std::vector<std::size_t> digits_;
  std::vector<bool> active_;
  Params params_;
};

}  // namespace tune::detail
