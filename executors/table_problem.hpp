// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "executors/problem.hpp"

namespace tune {

/// A table of what others have measured as a problem: a .json file of the format tune-bench-1 and the CSV files that it
/// names beside it, unpacked (docs/executors/simulator.md). All rows are held in memory. Finding a trial's row is
/// O(rows). An Error names the file, the line and what is wrong.
Result<std::unique_ptr<Problem>> table_problem(const std::string& path, const Spec&);

}  // namespace tune
