// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuner/json.hpp"
#include "tuner/rng.hpp"
#include "tuner/space.hpp"

namespace tune::detail {

/// How a clone's parameters differ from its donor's.
struct ExploreRule {
  std::vector<double> factors = {0.8, 1.2};  ///< A numeric parameter is multiplied by one of these.
  double resample_probability = 0.25;        ///< Else it is drawn anew.
  std::vector<std::string> mutate;           ///< Only these change; empty: all.
  bool changes(const Dimension&) const;
};

/// What became of one parameter.
struct Change {
  std::string name;
  std::optional<Value> from, to;  ///< Absent: it was, or is, not active.
  std::string how;                ///< "x 1.2", "+2 % of the range", "drawn", "neighbour", ...
};

struct Explored {
  Params params;
  std::vector<Change> changes;
};

/// Jaderberg et al. 2017, section 4.1.1 ("perturb" and "resample"), for every kind of parameter. In the space's order, each
/// active parameter that may change is
///
///   - drawn anew from the space with `resample_probability`, else
///   - logarithmic: multiplied by a factor; linear: moved by value * (factor - 1) and at least 2 % of the range (4 sigma where
///     there is no range), so that 0 is no trap; whole or stepped: moved by at least one step; ordinal and grid: moved to a
///     neighbour; choice and boolean: left alone, since a clone with another optimizer is no perturbation.
///
/// A move that would leave the range ends at its bound; one that starts there goes the other way. A parameter that becomes
/// active is drawn, one that is no longer active is dropped. All is drawn again, up to 100 times, while a constraint of the
/// space does not hold; then nothing changes. The result is of the space. O(d) a try.
Explored explore(const Space&, const Params& donor, const ExploreRule&, Rng&);

/// What differs between the two, for a note that an explorer of another kind writes.
std::vector<Change> differences(const Space&, const Params& from, const Params& to, const std::string& how);

/// [{"name": "lr", "from": 0.1, "to": 0.12, "how": "x 1.2"}]
void write(JsonWriter&, const std::vector<Change>&);
/// "lr 0.1 -> 0.12, width 3 -> 4"; the first few.
std::string sentence(const std::vector<Change>&);

}  // namespace tune::detail
