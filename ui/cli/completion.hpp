// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

/// What a shell has to know about an option: "--trials", what it is for, and whether a value follows.
struct CompletedOption {
  std::string name;
  std::string help;
  bool takes_value = false;
};

/// What a shell has to know about a verb.
struct CompletedVerb {
  enum class Operand { none, file, experiment };
  std::string name;
  std::string help;
  std::vector<CompletedOption> options;
  Operand operand = Operand::none;
};

/// The text that teaches a shell the command line: `tune completion bash > ~/.local/share/bash-completion/completions/tune`.
/// Verbs and options are written out; names of experiments are asked for when they are needed, with `tune ls -o names`.
/// `common` options go with every verb. Error (invalid): a shell other than bash, zsh and fish.
Result<std::string> completion(std::string_view shell, std::span<const CompletedVerb> verbs, std::span<const CompletedOption> common);

}  // namespace tune
