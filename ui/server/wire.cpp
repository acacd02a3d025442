// SPDX-License-Identifier: Apache-2.0
#include "ui/server/wire.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <boost/asio/buffer.hpp>
#include <string_view>

namespace tune::detail {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

/// HTTP/1.1 it is; who offers other protocols only is told so rather than misunderstood.
int choose_protocol(SSL*, const unsigned char** chosen, unsigned char* length, const unsigned char* offered, unsigned int size, void*) {
  static constexpr unsigned char ours[] = "\x08http/1.1";
  unsigned char* found = nullptr;
  if (SSL_select_next_proto(&found, length, ours, sizeof ours - 1, offered, size) != OPENSSL_NPN_NEGOTIATED)
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  *chosen = found;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

Result<std::shared_ptr<asio::ssl::context>> tls_context(const Identity& identity) {
  auto context = std::make_shared<asio::ssl::context>(asio::ssl::context::tls_server);
  SSL_CTX* const raw = context->native_handle();
  ERR_clear_error();
  error_code error;
  context->use_certificate_chain(asio::buffer(identity.chain), error);
  if (!error) context->use_private_key(asio::buffer(identity.key), asio::ssl::context::pem, error);
  const bool taken = !error && SSL_CTX_check_private_key(raw) == 1 && SSL_CTX_set_min_proto_version(raw, TLS1_2_VERSION) == 1 &&
                     SSL_CTX_set_cipher_list(raw, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1;
  if (!taken) {
    const char* why = error ? nullptr : ERR_reason_error_string(ERR_peek_last_error());
    ERR_clear_error();
    return Error{Error::Code::invalid, "OpenSSL does not take the certificate: " + (error ? error.message() : why ? why : "no reason given"),
                 ""};
  }
  SSL_CTX_set_options(raw, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  SSL_CTX_set_mode(raw, SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(raw, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(raw, 1);
  SSL_CTX_set_alpn_select_cb(raw, choose_protocol, nullptr);
  return context;
}

}  // namespace tune::detail
