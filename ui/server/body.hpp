// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/json_document.hpp"
#include "tuner/result.hpp"

namespace tune {

/// The body of a request, which is one JSON object. invalid: it is not, and at which byte.
Result<JsonNode> read_body(const std::string& body);

}  // namespace tune
