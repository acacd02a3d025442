// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <chrono>
#include <memory>
#include <optional>
#include <utility>

#include "executors/link/authority.hpp"
#include "tuner/result.hpp"

/// What a connection's bytes go through: the network as it is, or TLS over it. For server.cpp.
namespace tune::detail {

/// TLS as this server speaks it: 1.2 or 1.3 with forward secrecy and authenticated ciphers, HTTP/1.1, no renegotiation, sessions
/// that the peers keep (tickets). Error (invalid): OpenSSL does not take the certificate or its key.
Result<std::shared_ptr<boost::asio::ssl::context>> tls_context(const Identity&);

/// A connected socket that reads and writes in the clear until encrypt(), and through TLS from then on. What is called is the same;
/// deadlines are the socket's in both. One read and one write at a time.
class Wire {
 public:
  using Clock = std::chrono::steady_clock;
  using Tls = boost::asio::ssl::stream<boost::beast::tcp_stream&>;
  explicit Wire(boost::asio::ip::tcp::socket socket) : tcp_(std::move(socket)) {}

  auto executor() { return tcp_.get_executor(); }
  void expires_at(Clock::time_point when) { tcp_.expires_at(when); }
  void expires_after(Clock::duration span) { tcp_.expires_after(span); }
  void expires_never() { tcp_.expires_never(); }

  /// The handshake, which begins with the `received` bytes that were read already.
  template <class Then>
  void encrypt(std::shared_ptr<boost::asio::ssl::context> context, boost::asio::const_buffer received, Then then) {
    context_ = std::move(context);
    tls_.emplace(tcp_, *context_);
    tls_->async_handshake(Tls::server, received, [then = std::move(then)](auto error, std::size_t) mutable { then(error); });
  }
  template <class Buffer, class Then>
  void read_some(Buffer buffer, Then then) {
    tls_ ? tls_->async_read_some(buffer, std::move(then)) : tcp_.async_read_some(buffer, std::move(then));
  }
  template <class Buffer, class Then>
  void write_some(Buffer buffer, Then then) {
    tls_ ? tls_->async_write_some(buffer, std::move(then)) : tcp_.async_write_some(buffer, std::move(then));
  }
  /// Says that nothing more comes; through TLS in its own words too, so that the peer can tell an end from a cut.
  template <class Then>
  void finish(Then then) {
    if (!tls_) return half_close(), then();
    tls_->async_shutdown([this, then = std::move(then)](auto) mutable { half_close(), then(); });
  }
  /// After finish(): what the peer still sends, as it is on the network.
  template <class Buffer, class Then>
  void discard_some(Buffer buffer, Then then) {
    tcp_.async_read_some(buffer, std::move(then));
  }
  /// At once.
  void cut() {
    boost::system::error_code ignored;
    tcp_.socket().close(ignored);
  }

 private:
  void half_close() {
    boost::system::error_code ignored;
    tcp_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
  }

  boost::beast::tcp_stream tcp_;
  std::shared_ptr<boost::asio::ssl::context> context_;
  std::optional<Tls> tls_;
};

}  // namespace tune::detail
