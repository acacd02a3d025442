// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/space.hpp"

/// Reading the files of the format tune-bench-1.
namespace tune::regret::detail {

Result<nlohmann::json> read_json_file(const std::string& path);
/// The whole content of a gzip'd file.
Result<std::string> read_gz(const std::string& path);
/// The cells of a line: commas, with "" around a cell that holds one.
std::vector<std::string> cells(std::string_view line);
/// `space` of a task. Throws nlohmann's exceptions and std::invalid_argument where it is not of the format.
Space to_space(const nlohmann::json& space);
Value to_value(const nlohmann::json&);

}  // namespace tune::regret::detail
