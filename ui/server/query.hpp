// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

/// What follows the `?` of a target: `key=value&key=value`, read strictly. Values are decoded once (%41, + is a blank).
class Query {
 public:
  /// invalid: a broken escape, NUL or text that is not UTF-8, a key twice, or one that is not in `known` (the message names
  /// those that are).
  static Result<Query> read(std::string_view text, std::span<const std::string_view> known);

  bool has(std::string_view key) const { return find(key) != nullptr; }
  /// Empty if it is not there.
  std::string get(std::string_view key) const;
  /// A whole number from `least` to `most`; nullopt if it is not there.
  Result<std::optional<std::int64_t>> whole(std::string_view key, std::int64_t least, std::int64_t most) const;
  /// "a,b,c", blanks trimmed, empty parts left out.
  std::vector<std::string> list(std::string_view key) const;
  /// The same as whole numbers from 0.
  Result<std::vector<std::int64_t>> numbers(std::string_view key) const;

 private:
  const std::string* find(std::string_view key) const;
  std::vector<std::pair<std::string, std::string>> values_;
};

}  // namespace tune
