// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

/// `tune init`: a first config to start from. Pure: the caller writes the files.
namespace tune {

struct InitFile {
  std::string name;  ///< Relative: "config.json", "train.py".
  std::string text;
  bool executable = false;
};

/// Names that init_template() knows, with a sentence each.
struct InitTemplate {
  std::string_view name, help;
};
std::vector<InitTemplate> init_templates();

/// A commented config and a program that works with it: "command" (any program, by arguments), "python" (reports steps
/// and stops early), "cpp" (a C++ trainable). not_found with the names for anything else.
Result<std::vector<InitFile>> init_template(std::string_view name);

/// A config for the command line that a person uses now: `./prog --lr 0.1 --width=64 --verbose` makes lr and width
/// parameters around their values, which become the first point. Understands `--name value`, `--name=value`, `-n value`
/// and `name=value`; words of seeds, epochs and devices and whatever is no number stay as they are. The text is split
/// as a shell would, quotes and backslashes included, and nothing is expanded. Error::invalid: nothing to tune was
/// found, or a quote has no end.
Result<std::vector<InitFile>> init_from(std::string_view command_line);

}  // namespace tune
