// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

/// Certificates: those that tune makes and those that it is given. Files and OpenSSL, no sockets and no clock.
namespace tune {

/// What a server shows to its peers, and proves.
struct Identity {
  std::string chain;  ///< PEM, the server's own certificate first.
  std::string key;    ///< PEM. Secret.
  /// What the certificate vouches for, as host_name() spells it; "*.lab" for every name in lab.
  std::vector<std::string> names;
};

/// A certificate authority of a store's own, whose word counts for those who were told so. Key and certificate are in
/// `FOLDER/authority.pem` (0600); the certificate alone is in `FOLDER/ca.pem` too, to be handed to whoever is to trust it.
class Authority {
 public:
  /// Reads it, or makes it where there is none; two processes that make it at once agree on one. One that ends within a month
  /// is made anew. Error: others may read or own the file, it holds something else, or the folder cannot be written.
  static Result<Authority> open(const std::string& folder, std::time_t now);

  /// A server's certificate for `names` (as host_name() spells them), for a week, with a key that is nowhere else.
  Result<Identity> issue(const std::vector<std::string>& names, std::time_t now) const;

  const std::string& certificate_path() const { return certificate_path_; }
  /// SHA-256 of the certificate: "0A:1B:…".
  const std::string& fingerprint() const { return fingerprint_; }

 private:
  std::string certificate_path_, certificate_, key_, fingerprint_;
};

/// A certificate that somebody else made, with its chain, and its key: PEM files. Error (invalid): one cannot be read, they do
/// not belong together, the certificate is not valid at `now` or vouches for no name, or others than its owner (and, of root's
/// files, their group) may read the key.
Result<Identity> read_identity(const std::string& certificate_path, const std::string& key_path, std::time_t now);

}  // namespace tune
