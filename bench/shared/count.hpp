// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

namespace tune::bench {

/// A count in a line of results. Throws std::out_of_range if it is none: the library casts any number, and what does not fit
/// into an int is undefined.
inline int count(const nlohmann::json& j) {
  const auto n = j.is_number_integer() ? j.get<double>() : -1;
  if (n < 0 || n > std::numeric_limits<int>::max()) throw std::out_of_range("a count is a whole number");
  return static_cast<int>(n);
}

}  // namespace tune::bench
