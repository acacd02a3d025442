// SPDX-License-Identifier: Apache-2.0
#include "executors/process/trial_token.hpp"

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "tuner/hex.hpp"

namespace tune {

std::string trial_token(std::string_view secret, std::string_view experiment, TrialId trial, int attempt) {
  // A name has no space, so no two attempts are one text.
  const std::string who =
      "trial " + std::string(experiment) + " " + std::to_string(trial.value) + " " + std::to_string(attempt);
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()), reinterpret_cast<const unsigned char*>(who.data()),
       who.size(), digest, &size);
  return to_hex({digest, 16});
}

}  // namespace tune
