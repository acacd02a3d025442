// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "tuner/config.hpp"

namespace tune::testing {

/// Tables like those of the real policies, which the core's tests cannot see.
inline const Catalogue& catalogue() {
  using K = Option::Kind;
  static const Catalogue all{
      {{"random", "Independent draws.", {}},
       {"auto", "Models in turn.", {}},
       {"sobol", "A low-discrepancy sequence.", {}},
       {"grid", "All combinations.", {{"points", K::integer, "", "Values of what is continuous.", 1, 1e6}}},
       {"gp", "A model.", {}, true},
       {"cmaes", "Numeric parameters only.", {}}},
      {{"fifo", "Every trial does all its steps.", {}},
       {"asha",
        "Successive halving.",
        {{"mode", K::text, "\"stop\"", "Stop or pause.", 0, 0, {"promote", "stop"}},
         {"min_step", K::integer, "1", "First rung.", 1},
         {"max_step", K::integer, "", "Last step.", 1, 1e15, {"auto"}},
         {"eta", K::number, "3", "Keep one in eta.", 1.0000001, 1e6}}},
       {"hyperband",
        "Several brackets.",
        {{"mode", K::text, "", "How.", 0, 0, {"sync", "async"}},
         {"min_step", K::integer, "1", "First rung.", 1},
         {"max_step", K::integer, "", "Last step.", 1},
         {"eta", K::number, "3", "Keep one in eta.", 1.0000001, 1e6}}},
       {"pbt",
        "A population.",
        {{"population", K::integer, "", "Members.", 2},
         {"interval", K::integer, "", "Steps.", 1},
         {"max_step", K::integer, "", "Last step.", 1},
         {"quantile", K::number, "0.25", "Share.", 0, 0.5},
         {"mode", K::text, "\"async\"", "When.", 0, 0, {"async", "sync"}},
         {"resample_probability", K::number, "0.25", "How often.", 0, 1},
         {"perturb", K::list, "[0.8,1.2]", "Factors."},
         {"mutate", K::list, "", "Parameters."},
         {"frequencies", K::list, "[1]", "Sub-populations."}}},
       {"replay",
        "A schedule.",
        {{"schedule", K::list, "", "Parameters by step."}, {"max_step", K::integer, "", "Last step.", 1}}},
       {"median", "A rule.", {{"min_step", K::integer, "1", "First step.", 1}}, false, true},
       {"threshold",
        "A rule.",
        {{"metric", K::text, "", "Which number."}, {"min", K::number, "", "Bound."}, {"max", K::number, "", "Bound."}},
        false,
        true}},
      {{"process", "Child processes.", {}}, {"thread", "Threads.", {}}, {"kubernetes", "Pods.", {{"image", K::text, "", "What is in them."}}}},
      [](const Spec& spec) -> Result<Done> {
        for (const auto& d : spec.space.dimensions())
          if (spec.search.type == "cmaes" && d.kind == Dimension::Kind::choice)
            return Error{Error::Code::invalid, d.name + " is no number", {}};
        return Done{};
      },
      [](const Spec& spec) -> Result<Done> {
        for (std::size_t i = 0; i < spec.rules.size(); ++i)
          if (spec.rules[i].type == "threshold" && !spec.rules[i].options.contains("min") && !spec.rules[i].options.contains("max"))
            return Error{Error::Code::invalid, "scheduler.rules." + std::to_string(i) + ".max: one bound is needed", {}};
        if (spec.scheduler.type != "hyperband" || spec.scheduler.options.contains("max_step")) return Done{};
        return Error{Error::Code::invalid, "scheduler.max_step is needed", {}};
      },
      [](const Spec& spec) -> Result<Done> {
        if (spec.executor.type != "kubernetes" || spec.executor.options.contains("image")) return Done{};
        return Error{Error::Code::invalid, "executor.image is not given", {}};
      }};
  return all;
}

inline ConfigResult read(std::string_view text, std::vector<std::string> sets = {}) {
  return read_config(text, {catalogue(), "config.json", "/home/ada/net", std::move(sets)});
}

/// The codes found, in their order: "E021 W016".
inline std::string codes(const ConfigResult& result) {
  std::string out;
  for (const auto& d : result.diagnostics) out += (out.empty() ? "" : " ") + d.code;
  return out;
}

}  // namespace tune::testing
