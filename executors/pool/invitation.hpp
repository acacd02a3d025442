// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>
#include <string>

#include "executors/link/join_file.hpp"
#include "executors/link/join_tokens.hpp"

namespace tune {

/// Where a pool of this store listened last, as agents dial it. Error (not_found): none ever did.
Result<std::string> last_address(const std::string& folder);
/// For last_address().
Result<Done> remember_address(const std::string& folder, const std::string& address);

/// Lets agents in: a new token of the store whose folder this is, with all that they need to use it. Errors: those of the
/// authority and of the tokens.
Result<JoinFile> invite(const std::string& folder, const std::string& address, const JoinTerms&, std::time_t now);

}  // namespace tune
