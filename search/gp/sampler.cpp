// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>

#include "search/gp/arm.hpp"

namespace tune {
namespace {

GpSettings settings_of(const SamplerContext& c) {
  GpSettings s;
  s.min_improvement = c.min_improvement, s.budget = c.trials;
  if (const Value* cost = c.options.find("cost_aware")) s.cost_aware = std::get<bool>(*cost);
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
  if (const auto bad = no_budget_for_cost(c)) return *bad;
  ArmSettings around{.name = "gp", .starts = static_cast<int>(std::clamp<std::size_t>(c.space.size() / 2 + 2, 5, 10))};
  if (const Value* starts = c.options.find("startup")) around.starts = static_cast<int>(std::get<std::int64_t>(*starts));
  return std::unique_ptr<Sampler>(std::make_unique<ArmSampler>(
      c, around, [](const Axes& axes, const SamplerContext& context) -> std::unique_ptr<Arm> {
        return std::make_unique<GpArm>(axes, settings_of(context));
      }));
}

}  // namespace

Option cost_option() {
  return {"cost_aware", Option::Kind::boolean, "",
          "Prefer trials that are expected to cost little, the less so the more of stop.trials is used: reported cost, else seconds. Default: no."};
}

std::optional<Error> no_budget_for_cost(const SamplerContext& c) {
  const Value* aware = c.options.find("cost_aware");
  if (!aware || !std::get<bool>(*aware) || c.trials) return std::nullopt;
  return Error{Error::Code::invalid, "search.cost_aware: cost counts less and less over the budget, and there is none", "\"stop\": {\"trials\": 100}"};
}

SamplerEntry gp_sampler() {
  return {{"gp",
           "Gaussian processes: the most from few trials, up to about a thousand; constraints, failures, 3 objectives.",
           {{"startup", Option::Kind::integer, "",
             "Trials before it learns; half the number of parameters and 2, from 5 to 10, if not given.", 2, 100000},
            {"trend", Option::Kind::boolean, "true", "A quadratic trend beside the Matern kernel: bowls are learned sooner."},
            {"warp", Option::Kind::text, "\"auto\"",
             "What becomes of values: taken as they are, the worse half by rank, or what predicts the better half better.",
             -HUGE_VAL, HUGE_VAL, {"auto", "raw", "half_rank"}},
            cost_option()},
           true},
          make};
}

}  // namespace tune
