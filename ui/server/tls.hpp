// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "executors/link/authority.hpp"
#include "tuner/result.hpp"

namespace tune {

/// How a listener is encrypted, as the command line says it: with `own` or with both files; neither: not at all.
struct TlsSettings {
  bool own = false;                      ///< --tls: by a certificate that the store's own authority makes.
  std::string certificate, key;          ///< --tls-cert FILE, --tls-key FILE: PEM.
  std::vector<std::string> hosts;        ///< --host NAME: names and addresses by which people reach it, besides those that
                                         ///< this machine knows of. With files: the certificate must vouch for them.
  bool wanted() const { return own || !certificate.empty() || !key.empty(); }
};

/// Do they fit together, and are the files good? Touches nothing. Error (invalid): no.
Result<Done> check_tls(const TlsSettings&);

/// What a server that listens at `address` ("0.0.0.0:7740") shows. An own certificate is for localhost, the address (all of
/// this machine's, where it listens on all), this machine's name and `hosts`. Errors: those of Authority::open and
/// read_identity. `folder` is the store's; the clock is the machine's.
Result<Identity> tls_identity(const TlsSettings&, const std::string& folder, const std::string& address);

/// What people type to reach the server that listens at `address`, port included: a name that the certificate vouches for.
std::string shown_address(const TlsSettings&, const Identity&, const std::string& address);
/// What programs on this machine use, where no name may be known: an address, if the certificate vouches for it, else the same.
std::string local_address(const TlsSettings&, const Identity&, const std::string& address);

}  // namespace tune
