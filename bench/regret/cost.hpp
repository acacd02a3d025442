// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "bench/regret/tool.hpp"

namespace tune::regret {

/// Median CPU time of a suggestion on Rosenbrock's function, telling its result included, by a tool that has been given
/// `known` finished trials drawn at random.
Result<double> cost_ms(const ToolFactory&, int dimensions, int known, int suggestions);

}  // namespace tune::regret
