// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

namespace tune {

/// What a join token lets its holder do.
struct JoinTerms {
  std::string group, allocation;  ///< What agents that join by it belong to; may be empty. is_agent_word().
  int uses = 1;                   ///< As many agents may join.
  std::time_t expires = 0;        ///< From then on nobody may.
  std::time_t until = 0;          ///< When the certificates end that are given for it: with the allocation, say.
  bool operator==(const JoinTerms&) const = default;
};

/// The join tokens of a store: 256 random bits each, of which `FOLDER/join-tokens.json` (0600) keeps only the SHA-256, so that
/// nobody can join by reading it. All processes that have the folder see the same tokens; a use is counted once.
///
/// Any thread. Every call reads and writes the file and waits for the disk: milliseconds, not for a network thread.
class JoinTokens {
 public:
  /// `folder` is the store's (`<store>.d`). Touches nothing.
  explicit JoinTokens(std::string folder);

  /// A new one, as 64 hexadecimal digits, which can be had here and never again. Errors (invalid): terms that nobody could use;
  /// (conflict, corrupt, io) the file.
  Result<std::string> make(const JoinTerms&, std::time_t now);

  /// Counts one use, and is on the disk when it returns. The terms say how many uses are left. Errors: not_found (no such token,
  /// or it expired and was swept), conflict (it has expired, it was used up), or the file's. The comparison takes as long for any
  /// token; what is wrong with a known one is told, since whoever knows it was given it.
  Result<JoinTerms> redeem(std::string_view token, std::time_t now);

  /// No agent joins by tokens of this allocation any more. How many there were.
  Result<int> revoke(const std::string& allocation, std::time_t now);

 private:
  std::string path_;
};

namespace detail {

/// What the file holds: {"tokens":[{"sha256":…,"group":…,"allocation":…,"uses":…,"expires":…,"until":…}]}.
struct KeptToken {
  std::string sha256;  ///< 64 hexadecimal digits.
  JoinTerms terms;
  bool operator==(const KeptToken&) const = default;
};
std::string to_json(const std::vector<KeptToken>&);
/// Error (corrupt): it is nothing that to_json() wrote. Total on any bytes.
Result<std::vector<KeptToken>> parse_join_tokens(std::string_view text);

}  // namespace detail
}  // namespace tune
