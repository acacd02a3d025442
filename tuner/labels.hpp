// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

/// Labels say what a worker is or has, beyond what is counted: "fast", "gpu=a100". They are texts "NAME" or "NAME=VALUE".
namespace tune {

/// NAME: letters, digits, `.`, `_`, `-`, `/`, at most 63. VALUE: any printable ASCII but `,`, at most 255, not empty.
bool is_label(std::string_view);

/// Those of `wanted` that none of `borne` is: "NAME=VALUE" wants that label, "NAME" wants one of that name, whatever its value.
std::vector<std::string> lacking(const std::vector<std::string>& borne, const std::vector<std::string>& wanted);

/// "`fast`, `gpu=a100`": for people.
std::string list_text(const std::vector<std::string>&);

}  // namespace tune
