// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/result.hpp"

namespace tune {

/// 256 bits from the kernel, as 64 hexadecimal digits. Error: it gives none.
Result<std::string> random_token();

/// Compares in a time that depends on the lengths only.
bool same_secret(std::string_view a, std::string_view b);

}  // namespace tune
