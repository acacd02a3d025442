// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "tuner/value.hpp"

namespace tune::detail {

/// An option of Kind::list, which travels as JSON text. Absent (null): empty. nullopt: not a list of such things.
std::optional<std::vector<double>> numbers_of(const Value*);
std::optional<std::vector<std::string>> texts_of(const Value*);

/// One line of a schedule: the parameters from this step on.
struct ScheduleLine {
  std::int64_t step = 0;
  Params params;
};
std::optional<std::vector<ScheduleLine>> schedule_of(const Value*);

}  // namespace tune::detail
