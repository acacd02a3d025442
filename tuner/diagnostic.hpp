// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace tune {

/// Something to tell about a config: what, where, and what to do. Line and column count from 1, columns in characters.
struct Diagnostic {
  enum class Severity { warning, error };
  std::string code;  ///< "E021", "W012"; find_code() has the long text.
  Severity severity = Severity::error;
  std::string message, hint;  ///< The hint may be empty.
  std::string file;           ///< Or "--set params.lr.max=0.1", for a value that came from the command line.
  int line = 0, column = 0;   ///< 0: about the whole.
  int length = 0;             ///< Characters to underline, at least 1 where there is a line.
  std::string excerpt;        ///< The line, without what could steer a terminal; long lines are cut around the place.
  int excerpt_column = 0;     ///< Where the place begins in the excerpt.
  bool operator==(const Diagnostic&) const = default;
};

/// Makes the place of bytes [begin, end) of `text`; the span is clipped to the line that it begins on.
Diagnostic locate(std::string_view file, std::string_view text, std::size_t begin, std::size_t end);

/// As a compiler would say it: message, place, line, underline, help. One per diagnostic, in their order, ending in
/// '\n'.
std::string render_text(std::span<const Diagnostic>);
/// [{"code":…,"severity":…,"message":…,"hint":…,"file":…,"line":…,"column":…,"length":…}]
std::string render_json(std::span<const Diagnostic>);
/// SARIF 2.1.0, for code scanning.
std::string render_sarif(std::span<const Diagnostic>);
/// Workflow commands of GitHub Actions: `::error file=…,line=…,col=…,title=…::…`, one a line.
std::string render_github(std::span<const Diagnostic>);

/// The long story of a code, for `tune explain E021`.
struct Code {
  std::string_view code, title, text, example;
  bool from_config = true;  ///< The config parser says it; else another command does.
};
std::span<const Code> all_codes();
/// nullptr if there is none. Case does not matter.
const Code* find_code(std::string_view code);

}  // namespace tune
