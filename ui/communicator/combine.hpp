// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <algorithm>
#include <cstdint>
#include <span>
#include <type_traits>

#include "tuner/communicator.hpp"

namespace tune::detail {

/// Adds `other` to `own`, number by number, or keeps the less or greater of the two. As many of both.
template <class T>
void combine(std::span<T> own, std::span<const T> other, Reduction how) {
  const auto each = [&](auto of) { std::transform(own.begin(), own.end(), other.begin(), own.begin(), of); };
  if (how == Reduction::min) return each([](T a, T b) { return std::min(a, b); });
  if (how == Reduction::max) return each([](T a, T b) { return std::max(a, b); });
  if constexpr (std::is_integral_v<T>)
    each([](T a, T b) { return static_cast<T>(static_cast<std::uint64_t>(a) + static_cast<std::uint64_t>(b)); });
  else
    each([](T a, T b) { return a + b; });
}

}  // namespace tune::detail
