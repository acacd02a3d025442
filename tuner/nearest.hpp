// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tune {

/// The candidate that `word` was probably meant to be: the smallest edit distance (a swap of neighbours counts one), if
/// it is at most a third of the word's length. Empty if none is that near.
std::string_view nearest(std::string_view word, std::span<const std::string_view> candidates);
std::string_view nearest(std::string_view word, const std::vector<std::string>& candidates);
std::string_view nearest(std::string_view word, std::vector<std::string>&& candidates) = delete;  // It would point into what is gone.

}  // namespace tune
