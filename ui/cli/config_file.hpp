// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuner/spec.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

/// The whole file. invalid if it cannot be read, with the reason.
Result<std::string> read_text(const std::string& path);

/// Reads a config file with `--set`s. What is wrong with it, and warnings unless --quiet, goes to stderr; nullopt after
/// errors. `needs_program`: as in ConfigContext.
std::optional<Spec> read_config_file(const Invocation& call, const std::string& path,
                                     const std::vector<std::string>& sets, bool needs_program = true);

}  // namespace tune
