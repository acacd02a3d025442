// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/invitation.hpp"

#include "executors/link/authority.hpp"
#include "executors/link/host_name.hpp"
#include "executors/link/secret_file.hpp"

namespace tune {
namespace {
constexpr std::size_t kLongest = 512;
std::string file_in(const std::string& folder) { return folder + "/agents.address"; }
}  // namespace

Result<std::string> last_address(const std::string& folder) {
  auto text = read_secret(file_in(folder), kLongest);
  if (!text) return text.error();
  if (!*text || !split_address(**text))
    return Error{Error::Code::not_found, "nobody has listened for agents of this store yet",
                 "tune sweep a config with \"executor\": {\"type\": \"pool\"}, or name the address with --address"};
  return **text;
}

Result<Done> remember_address(const std::string& folder, const std::string& address) {
  return place_secret(file_in(folder), address, Placing::last_wins);
}

Result<JoinFile> invite(const std::string& folder, const std::string& address, const JoinTerms& terms, std::time_t now) {
  auto authority = Authority::open(folder, now);
  if (!authority) return authority.error();
  auto token = JoinTokens(folder).make(terms, now);
  if (!token) return token.error();
  return JoinFile{address, authority->fingerprint(), std::move(*token), terms.group, terms.expires};
}

}  // namespace tune
