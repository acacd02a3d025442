// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/compose.hpp>
#include <boost/asio/error.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/beast/core/bind_handler.hpp>
#include <boost/beast/core/role.hpp>
#include <chrono>
#include <string>
#include <utility>

#include "executors/link/tls.hpp"

namespace tune::detail {

namespace asio = boost::asio;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

/// A connected socket through TLS, as Asio and Beast want one (AsyncReadStream, AsyncWriteStream). Asio's own keeps 68
/// KiB of buffers for each connection, which is most of a coordinator's memory when ten thousand agents say little;
/// this keeps none.
///
/// One thread. One read and one write at a time.
class TlsSocket {
 public:
  using Socket = boost::asio::basic_stream_socket<boost::asio::ip::tcp, boost::asio::io_context::executor_type>;
  using executor_type = Socket::executor_type;

  TlsSocket(Socket socket, const TlsContext& context, Tls::Role role, const std::string& host = {})
      : socket_(std::move(socket)), tls_(context, socket_.native_handle(), role, host) {}

  executor_type get_executor() { return socket_.get_executor(); }
  const Tls& tls() const { return tls_; }
  /// When bytes went out last.
  Clock::time_point wrote() const { return wrote_; }

  template <class Then>
  auto async_handshake(Then&& then) {
    return go_on([this] { return tls_.handshake(); }, std::forward<Then>(then));
  }
  template <class Buffers, class Then>
  auto async_read_some(const Buffers& buffers, Then&& then) {
    const auto into = first(boost::asio::buffer_sequence_begin(buffers), boost::asio::buffer_sequence_end(buffers));
    return go_on([this, into] { return into.size() == 0 ? Tls::Step{} : tls_.read(into.data(), into.size()); },
                 std::forward<Then>(then));
  }
  template <class Buffers, class Then>
  auto async_write_some(const Buffers& buffers, Then&& then) {
    return go_on([this, buffers] { return write(buffers); }, std::forward<Then>(then));
  }

  /// Says that nothing more comes, and half closes.
  void finish() {
    tls_.say_goodbye();
    boost::system::error_code ignored;
    socket_.shutdown(Socket::shutdown_send, ignored);
  }
  /// At once; what is waited for ends with an error.
  void cut() {
    boost::system::error_code ignored;
    socket_.close(ignored);
  }
  /// After finish(): what the peer still sends, as it is on the network.
  template <class Then>
  void discard_some(boost::asio::mutable_buffer buffer, Then then) {
    socket_.async_read_some(buffer, std::move(then));
  }

 private:
  template <class Iterator>
  static boost::asio::mutable_buffer first(Iterator from, Iterator to) {
    for (; from != to; ++from)
      if (boost::asio::mutable_buffer(*from).size() > 0) return *from;
    return {};
  }

  /// Small pieces in a row go out as one record; a message and what Beast puts before it are two.
  template <class Buffers>
  Tls::Step write(const Buffers& buffers) {
    static thread_local std::array<char, 16 * 1024> gathered;
    boost::asio::const_buffer out(*boost::asio::buffer_sequence_begin(buffers));
    if (out.size() < gathered.size())
      out = {gathered.data(), boost::asio::buffer_copy(boost::asio::buffer(gathered), buffers)};
    if (out.size() == 0) return {};
    const auto step = tls_.write(out.data(), out.size());
    if (step.state == Tls::Step::State::done) wrote_ = Clock::now();
    return step;
  }

  static boost::system::error_code error_of(Tls::Step::State state) {
    if (state == Tls::Step::State::done) return {};
    if (state == Tls::Step::State::ended) return boost::asio::error::eof;
    return boost::asio::error::connection_aborted;
  }

  /// Tries until it need not wait, and then calls back: never from within.
  template <class Try, class Then>
  auto go_on(Try attempt, Then&& then) {
    using State = Tls::Step::State;
    auto trying = [this, attempt, step = Tls::Step{}, started = false, decided = false](
                      auto& self, boost::system::error_code error = {}) mutable {
      if (decided) return self.complete(error_of(step.state), step.bytes);
      if (error) return self.complete(error, 0);
      step = attempt();
      if (step.state == State::wants_read)
        return started = true, socket_.async_wait(Socket::wait_read, std::move(self));
      if (step.state == State::wants_write)
        return started = true, socket_.async_wait(Socket::wait_write, std::move(self));
      if (started) return self.complete(error_of(step.state), step.bytes);
      decided = true;
      boost::asio::post(std::move(self));
    };
    return boost::asio::async_compose<Then, void(boost::system::error_code, std::size_t)>(std::move(trying), then,
                                                                                          socket_);
  }

  Socket socket_;
  Tls tls_;
  Clock::time_point wrote_ = Clock::now();
};

/// How Beast ends the stream under a WebSocket, politely or not.
inline void beast_close_socket(TlsSocket& socket) { socket.cut(); }
template <class Then>
void async_teardown(boost::beast::role_type, TlsSocket& socket, Then&& then) {
  socket.finish();
  boost::asio::post(socket.get_executor(),
                    boost::beast::bind_front_handler(std::forward<Then>(then), boost::system::error_code{}));
}
inline void teardown(boost::beast::role_type, TlsSocket& socket, boost::system::error_code& error) {
  socket.finish();
  error = {};
}

}  // namespace tune::detail
