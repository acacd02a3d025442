// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <span>
#include <string>

namespace tune {

/// The last `digits` hexadecimal digits of a number, with leading zeros.
inline std::string to_hex(std::uint64_t number, int digits) {
  std::string text;
  for (int shift = 4 * digits - 4; shift >= 0; shift -= 4) text += "0123456789abcdef"[number >> shift & 15];
  return text;
}

/// Two hexadecimal digits a byte.
inline std::string to_hex(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += to_hex(byte, 2);
  return text;
}

}  // namespace tune
