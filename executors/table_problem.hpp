// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>

#include "executors/recorded_problem.hpp"

namespace tune {

/// A table of what others have measured: a .json file of the format tune-bench-1 and the CSV files that it names beside it,
/// gzip'd or not (docs/executors/simulator.md). Rows of the table become trials of the spec's space; parameters match by
/// name. Of the kind `instances` the steps are the instances that the spec names, or all. All is
/// held in memory. An Error names the file, the line and what is wrong.
Result<Recording> read_table(const std::string& path, const Spec&);

/// The table as a problem. Unlike read_table, an error if the table lacks a parameter of the space.
Result<std::unique_ptr<Problem>> table_problem(const std::string& path, const Spec&);

/// What a table says of itself, as settings of a config: `params`, `objective` and, of the kind instances, `instances`. JSON;
/// empty: it says nothing.
struct TableSettings {
  std::string params, objective, instances;
};
Result<TableSettings> table_settings(const std::string& path);

}  // namespace tune
