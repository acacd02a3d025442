// SPDX-License-Identifier: Apache-2.0
#include "ui/view/experiment_text.hpp"

#include "tuner/json.hpp"
#include "ui/api/policies.hpp"

namespace tune {
namespace {

/// The settings name a command or a trainable: somebody can run the experiment, and not only ask it.
bool has_program(std::string_view config) {
  JsonReader in(config);
  if (in.next() != JsonReader::Token::object) return true;
  while (in.next() == JsonReader::Token::key) {
    if (in.text() == "command" || in.text() == "trainable") return true;
    in.skip();
  }
  return in.failed();
}

}  // namespace

Result<Spec> spec_of(const ExperimentRow& row) {
  if (row.config.empty()) return Error{Error::Code::not_found, "the experiment has no settings yet", {}};
  auto spec = read_effective(row.config);
  if (!spec) return Error{Error::Code::corrupt, "the experiment's settings cannot be read: " + spec.error().message, {}};
  return spec;
}

std::string state_text(const ExperimentRow& row) {
  if (row.owned || (row.state != "running" && row.state != "finishing")) return row.state;
  return has_program(row.config) ? "interrupted" : "asked";
}

}  // namespace tune
