// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "tuner/config.hpp"

/// `tune check`, and what `tune sweep --dry-run` and `tune explain` print about a config. Pure: text in, text out.
namespace tune {

struct CheckOptions {
  enum class Format { text, json, sarif, github } format = Format::text;
  bool strict = false;     ///< Warnings make the exit code 1.
  bool effective = false;  ///< Text: only the whole config with defaults, ready to be used as a config.
  int examples = 1;        ///< Trials to show, at most 1000.
};

struct CheckReport {
  std::string out;    ///< For stdout: what was asked for.
  std::string err;    ///< For stderr: diagnostics in the text format; empty in the others.
  int exit_code = 0;  ///< 0 clean, 1 warnings with `strict`, 2 errors.
};
CheckReport check_config(std::string_view text, const ConfigContext&, const CheckOptions& = {});

/// A trial as it would be started.
struct ExampleTrial {
  Params params;
  std::vector<std::string> argv;  ///< Empty for a trainable. Paths of the trial's folder are made up.
};
/// The points of the config, then random draws that satisfy the constraints; fewer than `count` where 10,000 draws find
/// no more. Same spec, same trials.
std::vector<ExampleTrial> example_trials(const Spec&, int count);

/// `tune explain CODE|FIELD`: the long text of a code ("E021"), a field ("stop.plateau", "params.lr.step") or an option
/// of a policy ("scheduler.asha.eta", "scheduler.asha"). not_found with the nearest name.
Result<std::string> explain(std::string_view what, const Catalogue&);

/// JSON over several lines, as people read it. The text must be valid JSON.
std::string indented(std::string_view json);

}  // namespace tune
