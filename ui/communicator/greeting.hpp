// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "tuner/result.hpp"

namespace tune::detail {

/// What ranks say first. A rank tells rank 0 `size`, `rank` and in `text` its group; rank 0 answers with a verdict and in `text` why.
/// As bytes: a magic number, the version, both numbers, the length of the text, the text, all as this machine writes numbers. One that
/// writes them otherwise shows it by the magic number.
struct Greeting {
  std::uint32_t first = 0, second = 0;
  std::string text;

  static Greeting of_rank(int size, int rank, std::string group) { return {static_cast<std::uint32_t>(size), static_cast<std::uint32_t>(rank), std::move(group)}; }
  std::uint32_t size() const { return first; }
  std::uint32_t rank() const { return second; }

  static Greeting welcome() { return {1, 0, {}}; }
  static Greeting refusal(std::string why) { return {0, 0, std::move(why)}; }
  bool welcomed() const { return first == 1; }
};

constexpr std::size_t kLongestGreeting = 1024;  ///< Bytes, all of them.

/// A text that is too long is cut.
std::string to_bytes(const Greeting&);
/// How many bytes may be read without taking what follows the greeting; at least one. `bytes`: a beginning that read_greeting() wants
/// more of.
std::size_t missing_of_greeting(std::string_view bytes);
/// None: more has to come. Error: whoever says this is no rank, or one of another version. Bytes after the greeting are an error, too: nobody
/// says more before it was answered.
Result<std::optional<Greeting>> read_greeting(std::string_view bytes);

}  // namespace tune::detail
