// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <optional>
#include <string>

#include "tuner/result.hpp"
#include "tuner/value.hpp"

namespace tune {

/// Reports from inside a trial that tune started, over $TUNE_FD or, where that descriptor was not inherited, $TUNE_SOCK
/// (docs/trial-protocol.md), and waits for the order: "continue", "stop", "pause" or "checkpoint". Outside a trial nothing
/// is sent and the order is "continue". unreachable: tune is gone.
Result<std::string> report_from_within(std::optional<std::int64_t> step, const Metrics&);

}  // namespace tune
