// SPDX-License-Identifier: Apache-2.0
#include "tuner/glob.hpp"

#include <algorithm>
#include <vector>

namespace tune {
namespace {

std::vector<std::string_view> pieces(std::string_view path) {
  std::vector<std::string_view> all;
  for (;;) {
    const auto slash = path.find('/');
    all.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos) return all;
    path.remove_prefix(slash + 1);
  }
}

/// `star` stands for any run of them, everything else for one that it `fits`. A star that was passed is tried longer and longer; of
/// several only the last need be, for what came before it is settled. With `whole` false the rest of `text` may be anything.
template <class Pattern, class Text, class IsStar, class Fits>
bool matches(const Pattern& pattern, const Text& text, bool whole, IsStar is_star, Fits fits) {
  std::size_t p = 0, t = 0, star = pattern.size(), from = 0;
  for (;;) {
    if (p == pattern.size() && (t == text.size() || !whole)) return true;
    if (p < pattern.size() && is_star(pattern[p])) {
      star = p++, from = t;
    } else if (p < pattern.size() && t < text.size() && fits(pattern[p], text[t])) {
      ++p, ++t;
    } else if (star < pattern.size() && from < text.size()) {
      p = star + 1, t = ++from;
    } else {
      return false;
    }
  }
}

bool piece_fits(std::string_view pattern, std::string_view piece) {
  return matches(pattern, piece, true, [](char c) { return c == '*'; }, [](char c, char d) { return c == '?' || c == d; });
}

}  // namespace

bool is_glob(std::string_view pattern) {
  if (pattern.size() > 1000 || pattern.find('\0') != std::string_view::npos) return false;
  const auto all = pieces(pattern);
  return std::none_of(all.begin(), all.end(), [](auto piece) { return piece.empty() || piece == "." || piece == ".."; });
}

bool glob_takes(std::string_view pattern, std::string_view path) {
  const auto wanted = pieces(pattern), given = pieces(path);
  return matches(wanted, given, false, [](std::string_view piece) { return piece == "**"; }, piece_fits);
}

}  // namespace tune
