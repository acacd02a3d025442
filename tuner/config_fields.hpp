// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <span>
#include <string_view>
#include <vector>

namespace tune {

/// One key of the config. The parser knows keys from this table, `tune explain FIELD` and docs/config.md print it.
struct Field {
  std::string_view path;        ///< "stop.plateau.trials"; `*` stands for any name: "params.*.min".
  std::string_view type;        ///< For people: "integer, at least 1".
  std::string_view fallback;    ///< Default, as people would write it; empty: none.
  std::string_view help;        ///< One or two sentences.
  std::string_view later = {};  ///< Not served by this version: what it will come with. Empty: served.
};

/// In the order of the reference.
std::span<const Field> config_fields();
/// nullptr if unknown. A path may name a parameter ("params.lr.min"), the type ("scheduler.asha.eta" is not here:
/// options of policies stand in their catalogue).
const Field* find_field(std::string_view path);
/// The fields one level below `path` ("" for the top).
std::vector<const Field*> fields_of(std::string_view path);

}  // namespace tune
