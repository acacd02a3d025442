// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <openssl/ssl.h>

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "executors/link/authority.hpp"
#include "tuner/result.hpp"

/// TLS 1.3 as the lines speak it, over a socket that never blocks. OpenSSL under it, no thread and no waiting: those
/// are the caller's.
namespace tune::detail {

using TlsContext = std::shared_ptr<SSL_CTX>;

/// A server that shows `identity` and looks at certificates of agents that this authority made; without one a peer is
/// let in too, see Tls::peer(). No sessions are resumed: a certificate is looked at each time. Error (invalid): OpenSSL
/// does not take them.
Result<TlsContext> server_context(const Identity&, const std::string& authority);
/// An agent that shows its own and talks to servers of its authority only.
Result<TlsContext> agent_context(const Credentials&);
/// Whoever has only a fingerprint: talks to anybody, see proven_authority().
Result<TlsContext> stranger_context();

/// One connection's TLS. Beside its SSL it costs nothing between calls: OpenSSL's buffers are given back when they are
/// empty.
class Tls {
 public:
  enum class Role { server, client };
  struct Step {
    enum class State { done, wants_read, wants_write, ended, broken } state = State::done;
    std::size_t bytes = 0;  ///< If done.
  };

  /// The socket is not owned and outlives it. As a client, `host` is who must be there (host_name()); empty: anybody.
  Tls(const TlsContext&, int socket, Role, const std::string& host = {});

  /// Each does what can be done now. What wants to wait is called again, with the same bytes, when the socket is ready.
  Step handshake();
  Step read(void* data, std::size_t size);
  Step write(const void* data, std::size_t size);
  /// Nothing more comes from us; whether the peer hears it does not matter.
  void say_goodbye();

  /// What is in the peer's certificate. nullopt: it showed none.
  std::optional<AgentCertificate> peer() const;
  /// Why the last step was broken, for people.
  const std::string& why() const { return why_; }
  SSL* get() const { return ssl_.get(); }

 private:
  Step step(int result, std::size_t bytes);
  struct Freed {
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  TlsContext context_;
  std::unique_ptr<SSL, Freed> ssl_;
  std::string why_;
  bool broken_ = false;
};

/// After the handshake of a stranger: the authority, PEM, if the peer's chain has one with this fingerprint, which
/// signed the peer's certificate, for a server, for this host. Error (conflict): it has none.
Result<std::string> proven_authority(const Tls&, const std::string& fingerprint, const std::string& host);

}  // namespace tune::detail
