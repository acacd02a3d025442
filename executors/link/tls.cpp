// SPDX-License-Identifier: Apache-2.0
#include "executors/link/tls.hpp"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "executors/link/host_name.hpp"
#include "executors/link/pem.hpp"

namespace tune::detail {
namespace {

using Trusted = std::unique_ptr<X509_STORE, Freed<X509_STORE_free>>;
using Verification = std::unique_ptr<X509_STORE_CTX, Freed<X509_STORE_CTX_free>>;

Error refused() { return {Error::Code::invalid, "OpenSSL does not take the certificate: " + openssl_reason(), ""}; }

// --- A socket as OpenSSL sees it: its own would raise SIGPIPE, which on a caller's thread may be the end of the
// program.
struct Wire {
  int socket;
  bool drained = false;  ///< By the last read, which got less than it asked for: the next need not try.
};
Wire& wire_of(BIO* bio) { return *static_cast<Wire*>(BIO_get_data(bio)); }

int send_some(BIO* bio, const char* data, int size) {
  BIO_clear_retry_flags(bio);
  const auto n = ::send(wire_of(bio).socket, data, static_cast<std::size_t>(size), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_write(bio);
  return static_cast<int>(n);
}
int receive_some(BIO* bio, char* data, int size) {
  BIO_clear_retry_flags(bio);
  auto& wire = wire_of(bio);
  if (std::exchange(wire.drained, false)) {
    BIO_set_retry_read(bio);
    return -1;
  }
  const auto n = ::recv(wire.socket, data, static_cast<std::size_t>(size), MSG_DONTWAIT);
  wire.drained = n > 0 && n < size;
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) BIO_set_retry_read(bio);
  return static_cast<int>(n);
}
int let_go(BIO* bio) {
  delete static_cast<Wire*>(BIO_get_data(bio));
  return 1;
}
long flush_only(BIO*, int command, long, void*) { return command == BIO_CTRL_FLUSH; }

BIO* over(int socket) {
  static BIO_METHOD* const method = [] {
    BIO_METHOD* const made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket without signals");
    TUNE_ASSERT(made != nullptr);
    BIO_meth_set_write(made, send_some);
    BIO_meth_set_read(made, receive_some);
    BIO_meth_set_ctrl(made, flush_only);
    BIO_meth_set_destroy(made, let_go);
    return made;
  }();
  BIO* const bio = BIO_new(method);
  TUNE_ASSERT(bio != nullptr);
  BIO_set_data(bio, new Wire{socket});
  BIO_set_init(bio, 1);
  return bio;
}

TlsContext blank(const SSL_METHOD* method) {
  TlsContext context(SSL_CTX_new(method), SSL_CTX_free);
  TUNE_ASSERT(context != nullptr);
  SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION);
  SSL_CTX_set_options(context.get(), SSL_OP_NO_COMPRESSION | SSL_OP_NO_TICKET);
  SSL_CTX_set_num_tickets(context.get(), 0);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_read_ahead(context.get(), 1);  // Head and body of a record by one call.
  return context;
}

bool shows(SSL_CTX* context, const std::string& chain, const std::string& secret) {
  const auto all = certificates(chain);
  const auto key = first_key(secret);
  if (all.empty() || !key || SSL_CTX_use_certificate(context, all.front().get()) != 1) return false;
  for (std::size_t i = 1; i < all.size(); ++i)
    if (SSL_CTX_add1_chain_cert(context, all[i].get()) != 1) return false;
  return SSL_CTX_use_PrivateKey(context, key.get()) == 1 && SSL_CTX_check_private_key(context) == 1;
}

/// Threads share it: what OpenSSL works out of a certificate when it first needs it is worked out here.
bool trusts(SSL_CTX* context, const std::string& authority) {
  const auto all = certificates(authority);
  return all.size() == 1 && X509_check_purpose(all.front().get(), -1, 0) == 1 && X509_STORE_add_cert(SSL_CTX_get_cert_store(context), all.front().get()) == 1;
}

bool expect(X509_VERIFY_PARAM* of, const std::string& host) {
  if (is_address(host)) return X509_VERIFY_PARAM_set1_ip_asc(of, host.c_str()) == 1;
  X509_VERIFY_PARAM_set_hostflags(of, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  return X509_VERIFY_PARAM_set1_host(of, host.data(), host.size()) == 1;
}

}  // namespace

Result<TlsContext> server_context(const Identity& identity, const std::string& authority) {
  auto context = blank(TLS_server_method());
  ERR_clear_error();
  if (!shows(context.get(), identity.chain, identity.key) || !trusts(context.get(), authority)) return refused();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Result<TlsContext> agent_context(const Credentials& credentials) {
  auto context = blank(TLS_client_method());
  ERR_clear_error();
  if (!shows(context.get(), credentials.certificate, credentials.key) || !trusts(context.get(), credentials.authority))
    return refused();
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

Result<TlsContext> stranger_context() { return blank(TLS_client_method()); }

Tls::Tls(const TlsContext& context, int socket, Role role, const std::string& host)
    : context_(context), ssl_(SSL_new(context.get())) {
  TUNE_ASSERT(ssl_ != nullptr);
  BIO* const bio = over(socket);
  SSL_set_bio(ssl_.get(), bio, bio);
  role == Role::server ? SSL_set_accept_state(ssl_.get()) : SSL_set_connect_state(ssl_.get());
  if (host.empty()) return;
  TUNE_ASSERT(expect(SSL_get0_param(ssl_.get()), host));
  if (!is_address(host)) SSL_set_tlsext_host_name(ssl_.get(), host.c_str());
}

Tls::Step Tls::handshake() {
  ERR_clear_error();
  errno = 0;
  return step(SSL_do_handshake(ssl_.get()), 0);
}
Tls::Step Tls::read(void* data, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_read_ex(ssl_.get(), data, size, &bytes);
  return step(result, bytes);
}
Tls::Step Tls::write(const void* data, std::size_t size) {
  ERR_clear_error();
  errno = 0;
  std::size_t bytes = 0;
  const int result = SSL_write_ex(ssl_.get(), data, size, &bytes);
  return step(result, bytes);
}

Tls::Step Tls::step(int result, std::size_t bytes) {
  using State = Step::State;
  if (result == 1) return {State::done, bytes};
  const int error = errno;
  switch (SSL_get_error(ssl_.get(), result)) {
    case SSL_ERROR_WANT_READ:
      return {State::wants_read, 0};
    case SSL_ERROR_WANT_WRITE:
      return {State::wants_write, 0};
    case SSL_ERROR_ZERO_RETURN:
      return {State::ended, 0};
    default:
      break;
  }
  broken_ = true;
  const auto verified = SSL_get_verify_result(ssl_.get());
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  if (verified != X509_V_OK)
    why_ = std::string("the peer's certificate does not hold: ") + X509_verify_cert_error_string(verified);
  else
    why_ = reason ? reason : error != 0 ? std::strerror(error) : "the connection was cut";
  ERR_clear_error();
  return {State::broken, 0};
}

void Tls::say_goodbye() {
  if (broken_ || !SSL_is_init_finished(ssl_.get())) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::optional<AgentCertificate> Tls::peer() const {
  const X509* const certificate = SSL_get0_peer_certificate(ssl_.get());
  return certificate ? agent_of(certificate) : std::nullopt;
}

Result<std::string> proven_authority(const Tls& tls, const std::string& fingerprint, const std::string& host) {
  const auto unproven = [](const std::string& what) {
    return Error{Error::Code::conflict, "whoever is there is not the coordinator of the join file: " + what,
                 "make another with `tune join-token`, on the coordinator"};
  };
  X509* const server = SSL_get0_peer_certificate(tls.get());
  STACK_OF(X509)* const chain = SSL_get_peer_cert_chain(tls.get());
  X509* authority = nullptr;
  for (int i = 0; chain && i < sk_X509_num(chain); ++i)
    if (fingerprint_of(sk_X509_value(chain, i)) == fingerprint) authority = sk_X509_value(chain, i);
  if (!server || !authority) return unproven("its authority has another fingerprint");

  const Trusted trusted(X509_STORE_new());
  const Verification verification(X509_STORE_CTX_new());
  const bool ready = trusted && verification && X509_STORE_add_cert(trusted.get(), authority) == 1 &&
                     X509_STORE_CTX_init(verification.get(), trusted.get(), server, nullptr) == 1 &&
                     X509_STORE_CTX_set_default(verification.get(), "ssl_server") == 1 &&
                     expect(X509_STORE_CTX_get0_param(verification.get()), host);
  const bool proven = ready && X509_verify_cert(verification.get()) == 1;
  ERR_clear_error();
  if (!proven)
    return unproven(ready ? X509_verify_cert_error_string(X509_STORE_CTX_get_error(verification.get()))
                          : "out of memory");
  return pem(authority);
}

}  // namespace tune::detail
