// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>
#include <string_view>

#include "tuner/facts.hpp"

namespace tune {

/// The value of TUNE_TOKEN: who shows it speaks for this attempt. Told from a secret, so that whoever knows the secret
/// (the process that started the trial, a server of the same store) can check it without keeping a list: the first 128
/// bits of HMAC-SHA256, as 32 hexadecimal digits. The token does not tell the secret, nor another attempt's token.
std::string trial_token(std::string_view secret, std::string_view experiment, TrialId, int attempt);

}  // namespace tune
