// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace tune {

/// Bytes of the well-formed character that `text` begins with; 0 if it begins with none (overlong, surrogate, cut off).
std::size_t utf8_length(std::string_view text);
void append_utf8(std::string& out, char32_t code);

}  // namespace tune
