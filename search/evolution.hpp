// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "search/arm.hpp"

namespace tune::detail {

/// The sampler of an evolutionary arm for one objective, which begins with `starts` points of the initial design;
/// `settings_of` reads the arm's options. invalid: there are several objectives.
template <class EvolutionArm, auto settings_of>
Result<std::unique_ptr<Sampler>> evolution_sampler(const SamplerContext& c, const std::string& name, std::size_t starts) {
  if (c.objectives.size() > 1)
    return Error{Error::Code::invalid, name + " serves one objective", "for several use nsga2 or nsga3"};
  const ArmSettings settings{.name = name, .starts = static_cast<int>(starts)};
  return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
      c, settings, +[](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
        return std::make_unique<EvolutionArm>(axes, settings_of(context));
      }));
}

}  // namespace tune::detail
