// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>
#include <string>
#include <string_view>

#include "tuner/result.hpp"

namespace tune {

/// All that an agent needs to find its coordinator, to be sure of it and to be let in once. Whoever holds it can join, so it
/// travels as a file of its owner's alone (0600) or as a Secret: never on a command line, never in an environment.
struct JoinFile {
  std::string address;      ///< "gpu1.lab:7741": a name or address that the coordinator's certificate vouches for.
  std::string fingerprint;  ///< Of the authority, as Authority::fingerprint() has it.
  std::string token;        ///< Of JoinTokens. Secret.
  std::string group;        ///< What the token is bound to, for people to see; may be empty.
  std::time_t expires = 0;  ///< When the token does. Seconds since 1970.
  bool operator==(const JoinFile&) const = default;
};

/// Replaces what is there. Error: it cannot be written.
Result<Done> write_join_file(const std::string& path, const JoinFile&);

/// Error (invalid), with the next step: it is not there, others may read it, it is no join file, or it expired before `now`.
Result<JoinFile> read_join_file(const std::string& path, std::time_t now);

/// {"address": …, "fingerprint": …, "token": …, "group": …, "expires": …}. Unknown members are left for later versions. Error
/// (invalid): which member is missing or wrong. Total on any bytes.
Result<JoinFile> parse_join_file(std::string_view text);
std::string to_json(const JoinFile&);

}  // namespace tune
