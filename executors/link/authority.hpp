// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/result.hpp"

struct x509_st;  // OpenSSL's X509.

/// Certificates: those that tune makes and those that it is given. Files and OpenSSL, no sockets and no clock.
namespace tune {

/// What a server shows to its peers, and proves.
struct Identity {
  std::string chain;  ///< PEM, the server's own certificate first.
  std::string key;    ///< PEM. Secret.
  /// What the certificate vouches for, as host_name() spells it; "*.lab" for every name in lab.
  std::vector<std::string> names;
};

/// Who an agent is, as its certificate has it.
struct AgentName {
  std::string id;          ///< Its own: drawn once, when the agent was started.
  std::string group;       ///< Agents of one group may hold one gang. Empty: none.
  std::string allocation;  ///< What an engine placed it by. Empty: nobody placed it.
  bool operator==(const AgentName&) const = default;
};
/// May an id, a group or an allocation be called so? 1 to 48 letters, digits, '.', '_' and '-'.
bool is_agent_word(std::string_view);

/// Whom a certificate that admit() made is for, and until when. nullopt: it is none. Does not ask who signed it.
struct AgentCertificate {
  AgentName agent;
  std::time_t until = 0;
};
std::optional<AgentCertificate> agent_of(const x509_st* certificate);
/// SHA-256 of a certificate: "0A:1B:…".
std::string fingerprint_of(const x509_st* certificate);

/// An agent's own key, which never leaves it, and its wish for a certificate (PKCS #10). PEM.
struct AgentRequest {
  std::string key;  ///< Secret.
  std::string csr;
};
Result<AgentRequest> make_request();

/// What an agent shows, and whom it believes. PEM.
struct Credentials {
  std::string certificate;
  std::string key;        ///< Secret.
  std::string authority;  ///< Certificate of the authority that made its own, and the server's.
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

  /// An agent's certificate: good for showing to a server who it is, and no server. Of the request only the public key counts
  /// (P-256, and its holder signed), the name is the one that we say. Ends at `until`, or with the authority. Error (invalid):
  /// the request is none, or of another kind, the name is no name, or `until` has passed.
  Result<std::string> admit(const std::string& csr, const AgentName&, std::time_t until, std::time_t now) const;

  const std::string& certificate() const { return certificate_; }  ///< PEM.
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
