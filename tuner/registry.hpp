// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <limits>
#include <span>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

/// One setting of a policy, as the config checks it and `tune explain scheduler.asha.eta` prints it.
struct Option {
  /// A list and a map of resources are kept as their JSON text, a duration as people write it ("20s").
  enum class Kind { boolean, integer, number, text, list, duration, resources };
  std::string_view name;
  Kind kind = Kind::number;
  std::string_view fallback;  ///< Default as JSON ("4", "\"stop\""); empty: none, the policy decides.
  std::string_view help;
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  std::vector<std::string_view> choices = {};  ///< Of a text; of a number, words that may stand in its place.
};

/// A policy's line in its folder's table, without the factory: all that the config parser and the docs need.
struct PolicyInfo {
  std::string_view name;
  std::string_view help;  ///< One sentence.
  std::vector<Option> options = {};
  bool predicts = false;  ///< A sampler with a model: its proposals say how likely an improvement is.
  bool rule = false;      ///< A scheduler that only ever stops trials: it may stand in scheduler.rules.
};

struct Spec;

/// All tables, as seen by the config parser.
struct Catalogue {
  std::vector<PolicyInfo> samplers, schedulers, executors;
  /// Can the search named by the spec serve its space, objectives and constraints? The Error says why not. Null: not known.
  Result<Done> (*serves)(const Spec&) = nullptr;
  /// Can the scheduler named by the spec run this experiment? As above. A message that begins with the path of an option
  /// ("scheduler.eta: …") is shown at it.
  Result<Done> (*schedules)(const Spec&) = nullptr;
  /// Could the executor named by the spec be started with its options, as far as that can be told without starting it? As above
  /// ("executor.image: …").
  Result<Done> (*executes)(const Spec&) = nullptr;
};

}  // namespace tune
