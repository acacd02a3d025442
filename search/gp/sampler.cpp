// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "search/gp/arm.hpp"

namespace tune {
namespace {

GpSettings settings_of(const SamplerContext& c) {
  GpSettings s;
  s.min_improvement = c.min_improvement, s.budget = c.trials;
  if (const Value* trend = c.options.find("trend")) s.trend = std::get<bool>(*trend);
  if (const Value* warp = c.options.find("warp")) {
    const auto& which = std::get<std::string>(*warp);
    s.raw = which != "half_rank", s.ranked = which != "raw";
  }
  return s;
}

Result<std::unique_ptr<Sampler>> make(const SamplerContext& c) {
  if (c.objectives.size() > 3)
    return Error{Error::Code::invalid, "search.type: gp serves at most 3 objectives", "tpe and auto serve more"};
  ArmSettings around{.name = "gp", .starts = static_cast<int>(std::clamp<std::size_t>(c.space.size() / 2 + 2, 5, 10))};
  if (const Value* starts = c.options.find("startup")) around.starts = static_cast<int>(std::get<std::int64_t>(*starts));
  return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
      c, around, [](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
        return std::make_unique<GpArm>(axes, settings_of(context));
      }));
}

}  // namespace

SamplerEntry gp_sampler() {
  return {{"gp",
           "Gaussian processes: the most from few trials, up to about a thousand; constraints, failures, 3 objectives.",
           {{"startup", Option::Kind::integer, "",
             "Trials before it learns; half the number of parameters and 2, from 5 to 10, if not given.", 2, 100000},
            {"trend", Option::Kind::boolean, "true", "A quadratic trend beside the Matern kernel: bowls are learned sooner."},
            {"warp", Option::Kind::text, "\"auto\"",
             "What becomes of values: taken as they are, the worse half by rank, or what predicts the better half better.",
             -HUGE_VAL, HUGE_VAL, {"auto", "raw", "half_rank"}}},
           true},
          make};
}

}  // namespace tune
