// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstddef>
#include <string>
#include <vector>

#include "tuner/ids.hpp"

/// Where a trial's output lies, and its end.
namespace tune {

/// `<store>.d/<name>/<number>/<attempt>`, given `<store>.d/<name>`.
std::string attempt_folder(const std::string& experiment_folder, TrialId, int attempt);
/// `<store>.d`, given the store.
std::string store_folder(const std::string& store);

/// The last `count` lines of stderr.log, or of stdout.log if nothing was written to the first. As bytes: make them
/// printable before they are shown. Reads 16 KiB at most; empty if there are no logs.
std::vector<std::string> last_log_lines(const std::string& attempt_folder, std::size_t count);
std::vector<std::string> last_lines(const std::string& file, std::size_t count);

}  // namespace tune
