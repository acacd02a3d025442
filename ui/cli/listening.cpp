// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/listening.hpp"

namespace tune {

TlsSettings tls_settings(const Invocation& call) {
  TlsSettings tls;
  tls.own = call.has("tls");
  tls.certificate = call.get("tls-cert").value_or("");
  tls.key = call.get("tls-key").value_or("");
  tls.hosts = call.all("host");
  return tls;
}

}  // namespace tune
