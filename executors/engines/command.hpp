// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "executors/engines/engine.hpp"

namespace tune {

/// Whatever has a command line: PBS, LSF, HTCondor, Nomad, plain ssh. The user gives a template each for submit, status and
/// cancel, and says what the answers mean. docs/executors/command.md
EngineEntry command();

namespace detail {

using Placeholders = std::map<std::string, std::string, std::less<>>;

/// One word of a template: ${name} is replaced, `$$` is a dollar sign, a $ before anything else stands for itself. Error
/// (invalid): an unknown name (with the nearest one), or a ${ without its end.
Result<std::string> fill(std::string_view word, const Placeholders&);

/// The first match of an ECMAScript pattern, line by line: its group, or all of it if it has none. Lines over 4 KiB are passed
/// over (std::regex recurses). nullopt: nowhere, or the pattern is none.
std::optional<std::string> first_match(std::string_view text, const std::string& pattern);

/// What an allocation is by the answer of `status`: a table of "WORD=state" and "exit CODE=state".
struct StateTable {
  std::map<std::string, std::string, std::less<>> words;
  std::map<int, std::string> exits;
  static Result<StateTable> parse(const std::vector<std::string>& lines);
};

}  // namespace detail
}  // namespace tune
