// SPDX-License-Identifier: Apache-2.0
#include "ui/server/server.hpp"

#include <fcntl.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/tcp_stream.hpp>
#include <charconv>
#include <chrono>
#include <sstream>
#include <thread>

#include "tuner/value.hpp"
#include "ui/server/no_signals.hpp"

namespace tune {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kIdle = std::chrono::seconds(60);
constexpr int kConnections = 256;
constexpr std::size_t kPiece = 16 * 1024;

/// What the beginning of `bytes` is: half a request (nullopt), none, or one, with or without its body.
struct Head {
  std::variant<Request, Malformed> what;
  std::size_t length = 0;
};
std::optional<Head> first_head(std::string_view bytes) {
  const auto length = head_length(bytes.substr(0, kHeadLimit + 1));
  if (length == 0 && bytes.size() <= kHeadLimit) return std::nullopt;
  if (length == 0) return Head{Malformed{431, "more than 16 KiB of headers"}, bytes.size()};
  return Head{read_head(bytes.substr(0, length)), length};
}

/// One peer. Lives in the callbacks that hold it, hence shared_from_this. On the network thread, but for serve().
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Service& service, asio::thread_pool& workers, int& open)
      : stream_(std::move(socket)), service_(service), workers_(workers), open_(open) {
    ++open_;
  }
  ~Connection() { --open_; }

  void begin() {
    deadline_ = Clock::now() + kPatience;
    next_request();
  }

 private:
  /// Works on what is there already, or waits for more.
  void next_request() {
    auto head = first_head(bytes_);
    if (!head) {
      return receive(bytes_.empty() ? idle_until() : deadline_, [this] { next_request(); });
    }
    if (auto* wrong = std::get_if<Malformed>(&head->what)) return answer(service_.refuse(*wrong), false);
    request_ = std::move(std::get<Request>(head->what));
    bytes_.erase(0, head->length);
    // Whoever is not let in gets no byte of a body read, so the connection cannot go on.
    if (auto refused = service_.admit(request_)) return answer(std::move(*refused), request_.body_length() == 0);
    read_body();
  }

  void read_body() {
    const auto length = request_.body_length();
    if (bytes_.size() < length) return receive(deadline_, [this] { read_body(); });
    request_.body = bytes_.substr(0, length);
    bytes_.erase(0, length);
    serve();
  }

  void serve() {
    asio::post(workers_, [self = shared_from_this()] {
      auto response = std::make_shared<Response>(self->service_.serve(self->request_));
      asio::post(self->stream_.get_executor(),
                 [self, response] { self->answer(std::move(*response), true); });
    });
  }

  Clock::time_point idle_until() const { return served_ ? Clock::now() + kIdle : deadline_; }

  template <class Then>
  void receive(Clock::time_point until, Then then) {
    stream_.expires_at(until);
    stream_.async_read_some(asio::buffer(piece_), [self = shared_from_this(), then](error_code error, std::size_t n) {
      if (error) return;  // Gone, or too slow: nobody to tell.
      if (self->bytes_.empty()) self->deadline_ = Clock::now() + kPatience;
      self->bytes_.append(self->piece_.data(), n);
      then();
    });
  }

  void answer(Response response, bool may_go_on) {
    response_ = std::move(response);
    keep_alive_ = may_go_on && request_.keep_alive && !response_.stream;
    head_ = head_of(response_, keep_alive_);
    served_ = true;
    send(head_, [this] {
      if (response_.stream) return follow();
      send(response_.body.bytes(), [this] {
        if (!keep_alive_) return close();
        response_ = Response{};
        deadline_ = Clock::now() + kPatience;
        next_request();
      });
    });
  }

  /// All of `bytes`, as long as the peer takes some of it every now and then.
  template <class Then>
  void send(std::string_view bytes, Then then) {
    if (bytes.empty()) return then();
    stream_.expires_after(kPatience);
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()),
                             [self = shared_from_this(), bytes, then](error_code error, std::size_t n) {
                               if (!error) self->send(bytes.substr(n), then);
                             });
  }

  void close() {
    error_code ignored;
    stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    // What the peer still sends is taken and forgotten: closing with unread bytes would reset the connection, and the answer
    // could be lost on its way.
    stream_.expires_after(std::chrono::seconds(2));
    drain();
  }
  void drain() {
    stream_.async_read_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->drain();
    });
  }

  // --- an answer without an end
  void follow() {
    // The stream may call for as long as it lives, which may be longer than the network thread does.
    response_.stream->start([weak = weak_from_this(), executor = stream_.get_executor()] {
      asio::post(executor, [weak] {
        if (const auto self = weak.lock()) self->pull();
      });
    });
    watch();
    pull();
  }
  void pull() {
    if (sending_ || !response_.stream) return;
    auto more = response_.stream->next();
    if (!more) return stop_following();
    if (more->empty()) return;
    sending_ = true;
    event_ = std::move(*more);
    stream_.expires_after(kIdle);  // A peer that went away without a word is not kept for ever.
    asio::async_write(stream_, asio::buffer(event_), [self = shared_from_this()](error_code error, std::size_t) {
      self->sending_ = false;
      if (error) return self->stop_following();
      self->pull();
    });
  }
  /// Nothing is expected from the peer any more but its end.
  void watch() {
    stream_.socket().async_read_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->stop_following();
      self->watch();
    });
  }
  void stop_following() {
    response_.stream.reset();
    error_code ignored;
    stream_.socket().close(ignored);
  }

  beast::tcp_stream stream_;
  std::array<char, kPiece> piece_;
  std::string bytes_, head_, event_;
  Request request_;
  Response response_;
  Clock::time_point deadline_;
  bool keep_alive_ = false, served_ = false, sending_ = false;
  Service& service_;
  asio::thread_pool& workers_;
  int& open_;
};

Error not_an_address(const std::string& address) {
  return {Error::Code::invalid, "'" + printable(address) + "' is not an address to listen on", "for example 127.0.0.1:7740"};
}

Result<tcp::endpoint> endpoint(const std::string& address) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) return not_an_address(address);
  std::string host = address.substr(0, colon);
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  std::uint16_t port = 0;
  const char* const end = address.data() + address.size();
  const auto [stop, wrong] = std::from_chars(address.data() + colon + 1, end, port);
  error_code error;
  const auto ip = asio::ip::make_address(host, error);
  if (error || wrong != std::errc{} || stop != end || colon + 1 == address.size()) return not_an_address(address);
  if (!ip.is_loopback())
    return Error{Error::Code::invalid, printable(address) + " could be reached from other machines; tune serves this one only",
                 "listen on 127.0.0.1 and let a reverse proxy with TLS, or an ssh tunnel, carry it further"};
  return tcp::endpoint{ip, port};
}

}  // namespace

class Server::Listener {
 public:
  Listener(Service& service, int threads)
      : service_(service), acceptor_(context_), pause_(context_), workers_(static_cast<std::size_t>(threads)) {}
  ~Listener() {
    workers_.stop();
    workers_.join();
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<Done> open(const tcp::endpoint& at) {
    error_code error;
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(kConnections, error);
    if (error) {
      std::ostringstream text;
      text << at;
      const bool taken = error == asio::error::address_in_use;
      return Error{taken ? Error::Code::conflict : Error::Code::io, "cannot listen on " + text.str() + ": " + error.message(),
                   taken ? "another program has this port; port 0 takes a free one" : ""};
    }
    std::ostringstream text;
    text << acceptor_.local_endpoint();
    address_ = text.str();
    ::fcntl(acceptor_.native_handle(), F_SETFD, FD_CLOEXEC);
    accept();
    thread_ = std::thread([this] { context_.run(); });
    return Done{};
  }

  const std::string& address() const { return address_; }

 private:
  void accept() {
    acceptor_.async_accept([this](error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return accept_later();
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      socket.set_option(tcp::no_delay(true), error);
      // Over the limit a peer is closed at once: a queue would only keep those waiting that do nothing wrong.
      if (open_ < kConnections) std::make_shared<Connection>(std::move(socket), service_, workers_, open_)->begin();
      accept();
    });
  }

  /// Out of descriptors, for example. Trying again at once would only burn a core.
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](error_code error) {
      if (!error) accept();
    });
  }

  // The context is destroyed after the workers and before what its callbacks use: they hold connections, which refer to the
  // members above.
  int open_ = 0;
  std::string address_;
  Service& service_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  asio::thread_pool workers_;
  std::thread thread_;
};

Server::Server(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
Server::~Server() = default;
const std::string& Server::address() const { return listener_->address(); }

Result<Done> Server::check(const Settings& settings) {
  auto at = endpoint(settings.address);
  if (!at) return at.error();
  return Done{};
}

Result<std::unique_ptr<Server>> Server::open(const Settings& settings, Service& service) {
  auto at = endpoint(settings.address);
  if (!at) return at.error();
  const NoSignals quiet;
  auto listener = std::make_unique<Listener>(service, settings.threads);
  if (auto opened = listener->open(*at); !opened) return opened.error();
  return std::unique_ptr<Server>(new Server(std::move(listener)));
}

std::string answers(std::string_view bytes, Service& service) {
  std::string out;
  for (;;) {
    auto head = first_head(bytes);
    if (!head) return out;
    const auto answer = [&](const Response& response, bool keep_alive) {
      out += head_of(response, keep_alive);
      out += response.body.bytes();
    };
    if (auto* wrong = std::get_if<Malformed>(&head->what)) return answer(service.refuse(*wrong), false), out;
    auto& request = std::get<Request>(head->what);
    bytes.remove_prefix(head->length);
    if (auto refused = service.admit(request)) {
      const bool go_on = request.keep_alive && request.body_length() == 0;
      answer(*refused, go_on);
      if (!go_on) return out;
      continue;
    }
    if (bytes.size() < request.body_length()) return out;
    request.body = bytes.substr(0, request.body_length());
    bytes.remove_prefix(request.body_length());
    const auto response = service.serve(request);
    answer(response, request.keep_alive && !response.stream);
    if (!request.keep_alive || response.stream) return out;
  }
}

}  // namespace tune
