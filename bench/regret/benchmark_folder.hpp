// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "bench/regret/problem.hpp"
#include "tuner/result.hpp"

/// Problems from a folder in the format tune-bench-1: measured tables, and surrogate networks that can be evaluated
/// anywhere. The folder is not part of this repository. Repeats are averaged: there is no noise.
namespace tune::regret {

/// Error::not_found if the folder lacks a file, Error::corrupt if it is not what the format says.
Result<Problem> read_table(const std::string& folder, const std::string& id);  ///< id: "fcnet/protein_structure"
/// The instances of a network: `instances` are numbers of rows of its first categorical input; empty: all.
Result<std::vector<Problem>> read_network(const std::string& folder, const std::string& name,
                                          const std::vector<std::size_t>& instances = {});
/// The largest difference between the network's own check vectors and what we compute, over all outputs but those named,
/// relative to the larger of 1 and the value.
Result<double> check_network(const std::string& folder, const std::string& name,
                             const std::vector<std::string>& leave_out = {});

/// The sets "tables" and "networks": all tables of five families, all 17 instances of lcbench, 8 of rbv2_xgboost.
Result<std::vector<Problem>> benchmark_set(const std::string& folder, std::string_view set);

}  // namespace tune::regret
