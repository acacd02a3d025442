// SPDX-License-Identifier: Apache-2.0
#pragma once
#include "store/sqlite/reader.hpp"
#include "ui/cli/invocation.hpp"

namespace tune {

/// The query that --where, --sort, --top, --columns and --state ask for. invalid: a state that is none, a bad number.
Result<TrialQuery> query_from(const Invocation&, const ExperimentRow&);

}  // namespace tune
