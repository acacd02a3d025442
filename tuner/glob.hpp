// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string_view>

/// Patterns for files below a folder, as `code` has them. A path has its pieces between slashes; a pattern has one piece for each, in
/// which `*` is any text, `?` any character; the piece `**` is any number of pieces, none included. Nothing else is special.
/// "*.py" is of the top folder alone, "**/*.py" of all.
namespace tune {

/// It is a relative path that leads nowhere else: not empty, no piece empty, "." or "..", no NUL, at most 1000 bytes.
bool is_glob(std::string_view pattern);

/// The path, or a folder that it lies in, matches: "src" takes all that is in there. O(length of the pattern x length of the path).
bool glob_takes(std::string_view pattern, std::string_view path);

}  // namespace tune
