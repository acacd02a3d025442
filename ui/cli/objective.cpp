// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/objective.hpp"

#include <string>
#include <vector>

#include "tuner/nearest.hpp"

namespace tune {

Result<std::size_t> objective_of(const Invocation& call, const Spec& spec) {
  const auto name = call.get("objective");
  if (!name) return std::size_t{0};
  std::vector<std::string> names;
  for (std::size_t i = 0; i < spec.objectives.size(); ++i) {
    if (spec.objectives[i].metric == *name) return i;
    names.push_back(spec.objectives[i].metric);
  }
  const auto near = nearest(*name, names);
  return usage_error("`" + printable(*name) + "` is no objective of `" + printable(spec.name) + "`",
                     near.empty() ? "it has `" + printable(names.front()) + "`"
                                  : "did you mean `" + printable(near) + "`?");
}

}  // namespace tune
