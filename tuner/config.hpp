// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/diagnostic.hpp"
#include "tuner/registry.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// What a config's text does not say by itself.
struct ConfigContext {
  const Catalogue& catalogue;  ///< Which searches, schedulers and executors there are, with their options.
  std::string file =
      "config.json";         ///< For messages; its stem (or the folder's name, for config.json) is the default name.
  std::string folder = "/";  ///< Absolute: the default of `cwd`, and what relative paths in the config start from.
  std::vector<std::string> sets = {};  ///< `--set` in order: "params.lr.max=0.1"; the value as JSON, else as text.
  bool needs_program = true;           ///< False where trials are driven from outside: then `command` may be missing.
};

struct ConfigResult {
  std::optional<Spec> spec;             ///< Absent exactly when a diagnostic is an error.
  std::vector<Diagnostic> diagnostics;  ///< By position, at most 20; errors come before warnings when there are more.
  int hidden = 0;                       ///< How many more there were.
};

/// Reads a config: JSON with comments and trailing commas, whole schema of docs/config.md. Everything wrong is reported
/// at once, at its place. Nothing is ignored: a key is served, unknown, or refused as not served yet. Total on any
/// bytes. Reading `spec->effective` gives the same Spec again, whatever file and folder it is read from. Touches no
/// file: paths are only joined. Milliseconds, unless there are constraints (10,000 draws try them).
ConfigResult read_config(std::string_view text, const ConfigContext&);

/// The name that an experiment has if its config gives none.
std::string default_name(std::string_view file, std::string_view folder);

/// The options of a policy as a Spec holds them: the given ones, and the defaults of its table entry for the rest.
/// For programs that build a Spec without a config text. Error::invalid names the option.
Result<Params> complete_options(const PolicyInfo&, Params given);

}  // namespace tune
