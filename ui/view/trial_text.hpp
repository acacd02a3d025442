// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <vector>

#include "tuner/result.hpp"
#include "tuner/spec.hpp"

namespace tune {

/// The trial's command line, as it was run but for paths that are made anew for each attempt. Empty for a trainable.
Result<std::vector<std::string>> command_of(const Spec&, const Params&, TrialId, const std::string& trial_folder,
                                            const std::string& params_file);
/// Words with blanks between, each quoted for a shell where needed.
std::string shell_line(const std::vector<std::string>& words);
/// {"lr":0.1,…}: flat, dots stay in the names.
std::string params_object(const Params&);
/// "--lr=0.1 --width=64", quoted for a shell, and a line a parameter "TUNE_P_LR=0.1": with a line end.
std::string arguments_text(const Params&);
std::string environment_text(const Params&);

}  // namespace tune
