// SPDX-License-Identifier: Apache-2.0
#include "ui/server/body.hpp"

#include <optional>

namespace tune {

Result<JsonNode> read_body(const std::string& body) {
  std::optional<std::string> wrong;
  auto document = parse_json(body, 0, [&](const JsonFault& fault) {
    if (!wrong) wrong = ": " + fault.message + " at byte " + std::to_string(fault.span.begin);
  });
  if (document && !wrong && document->kind == JsonNode::Kind::object) return std::move(*document);
  return Error{Error::Code::invalid, "the body is no JSON object" + wrong.value_or(""), "docs/api.md has examples"};
}

}  // namespace tune
