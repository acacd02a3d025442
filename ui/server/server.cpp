// SPDX-License-Identifier: Apache-2.0
#include "ui/server/server.hpp"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>
#include <charconv>
#include <chrono>
#include <sstream>
#include <thread>
#include <vector>

#include "executors/no_signals.hpp"
#include "tuner/value.hpp"
#include "ui/server/wire.hpp"

namespace tune {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using boost::system::error_code;
using Clock = std::chrono::steady_clock;
using TlsContext = std::shared_ptr<asio::ssl::context>;

constexpr auto kPatience = std::chrono::seconds(10);
constexpr auto kIdle = std::chrono::seconds(60);
constexpr auto kHandshake = std::chrono::seconds(5);
constexpr std::size_t kConnections = 256;
constexpr char kHandshakeRecord = 0x16;  // What every TLS connection begins with, and no HTTP request.
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

/// Threads that make answers.
struct Workers {
  explicit Workers(const Server::Settings& settings)
      : prompt(static_cast<std::size_t>(settings.threads)), waiting(static_cast<std::size_t>(settings.waiting)) {}
  void end() {
    for (auto* pool : {&prompt, &waiting}) pool->stop();
    for (auto* pool : {&prompt, &waiting}) pool->join();
  }
  asio::thread_pool prompt, waiting;
};

class Connection;
/// Those that are open, oldest first.
using Connections = std::vector<Connection*>;

/// One peer. Lives in the callbacks that hold it, hence shared_from_this. On the network thread, but for serve().
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, Service& service, Workers& workers, Connections& open)
      : wire_(std::move(socket)), service_(service), workers_(workers), open_(open) {
    open_.push_back(this);
  }
  ~Connection() { std::erase(open_, this); }

  void begin(TlsContext tls) {
    if (!tls) return begin_requests();
    wire_.expires_after(kHandshake);  // For all of it.
    wire_.read_some(asio::buffer(piece_), [self = shared_from_this(), tls](error_code error, std::size_t n) {
      if (error) return;
      if (self->piece_[0] != kHandshakeRecord) return self->tell_that_this_is_tls();
      self->wire_.encrypt(tls, asio::buffer(self->piece_.data(), n), [self](error_code failure) {
        if (!failure) self->begin_requests();
      });
    });
  }

  /// A request of it was let in.
  bool is_known() const { return known_; }
  /// Nothing of it is worked on.
  bool is_idle() const { return idle_; }
  /// Makes room for others.
  void drop() {
    std::erase(open_, this);
    wire_.cut();
  }

 private:
  void begin_requests() {
    deadline_ = Clock::now() + kPatience;
    next_request();
  }

  void tell_that_this_is_tls() {
    Response told;
    told.status = 400, told.content_type = "text/plain; charset=utf-8";
    told.body = Body::lasting("This port speaks HTTPS and was spoken to without TLS: use https:// instead of http://\n");
    answer(std::move(told), false);
  }

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
    known_ = true;
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
    asio::post(service_.may_wait(request_) ? workers_.waiting : workers_.prompt, [self = shared_from_this()] {
      auto response = std::make_shared<Response>(self->service_.serve(self->request_));
      asio::post(self->wire_.executor(),
                 [self, response] { self->answer(std::move(*response), true); });
    });
  }

  Clock::time_point idle_until() const { return served_ ? Clock::now() + kIdle : deadline_; }

  template <class Then>
  void receive(Clock::time_point until, Then then) {
    idle_ = true;
    wire_.expires_at(until);
    wire_.read_some(asio::buffer(piece_), [self = shared_from_this(), then](error_code error, std::size_t n) {
      self->idle_ = false;
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
    wire_.expires_after(kPatience);
    wire_.write_some(asio::buffer(bytes.data(), bytes.size()), [self = shared_from_this(), bytes, then](error_code error, std::size_t n) {
      if (!error) self->send(bytes.substr(n), then);
    });
  }

  void close() {
    wire_.expires_after(std::chrono::seconds(2));
    // What the peer still sends is taken and forgotten: closing with unread bytes would reset the connection, and the answer
    // could be lost on its way.
    wire_.finish([self = shared_from_this()] { self->drain(); });
  }
  void drain() {
    wire_.discard_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t) {
      if (!error) self->drain();
    });
  }

  // --- an answer without an end
  void follow() {
    // The stream may call for as long as it lives, which may be longer than the network thread does.
    response_.stream->start([weak = weak_from_this(), executor = wire_.executor()] {
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
    send_event(event_);
  }
  void send_event(std::string_view bytes) {
    wire_.expires_after(kIdle);  // A peer that went away without a word is not kept for ever.
    wire_.write_some(asio::buffer(bytes.data(), bytes.size()), [self = shared_from_this(), bytes](error_code error, std::size_t n) {
      if (!error && n < bytes.size()) return self->send_event(bytes.substr(n));
      self->sending_ = false;
      if (error) return self->stop_following();
      self->pull();
    });
  }
  /// Nothing is expected from the peer any more but its end.
  void watch() {
    wire_.expires_never();
    wire_.read_some(asio::buffer(piece_), [self = shared_from_this()](error_code error, std::size_t) {
      if (error) return self->stop_following();
      self->watch();
    });
  }
  void stop_following() {
    response_.stream.reset();
    wire_.cut();
  }

  detail::Wire wire_;
  std::array<char, kPiece> piece_;
  std::string bytes_, head_, event_;
  Request request_;
  Response response_;
  Clock::time_point deadline_;
  bool keep_alive_ = false, served_ = false, sending_ = false, known_ = false, idle_ = false;
  Service& service_;
  Workers& workers_;
  Connections& open_;
};

Error not_an_address(const std::string& address) {
  return {Error::Code::invalid, "'" + printable(address) + "' is not an address to listen on", "for example 127.0.0.1:7740"};
}

/// What to do where nobody can listen.
std::string way_out(error_code error) {
  if (error == asio::error::address_in_use) return "another program has this port; port 0 takes a free one";
  if (error == asio::error::access_denied) return "ports below 1024 are the system's; port 0 takes a free one";
  if (error == boost::system::errc::address_not_available) return "this machine has no such address; 127.0.0.1 it has, and with --tls 0.0.0.0 is all of its addresses";
  return "";
}

Result<tcp::endpoint> endpoint(const std::string& address, bool encrypted) {
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
  if (!ip.is_loopback() && !encrypted)
    return Error{Error::Code::invalid, printable(address) + " could be reached from other machines, and whoever is in between could read the token",
                 "encrypt it with --tls, or listen on 127.0.0.1 and let an ssh tunnel carry it further"};
  return tcp::endpoint{ip, port};
}

}  // namespace

class Server::Listener {
 public:
  Listener(Service& service, const Settings& settings)
      : service_(service),
        identity_(settings.identity),
        every_(settings.renewal),
        acceptor_(context_),
        pause_(context_),
        renewal_(context_),
        workers_(settings) {}
  ~Listener() {
    workers_.end();
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<Done> open(const tcp::endpoint& at) {
    if (identity_) {
      auto tls = encryption();
      if (!tls) return tls.error();
      tls_ = std::move(*tls);
      renew_later();
    }
    error_code error;
    acceptor_.open(at.protocol(), error);
    if (!error) acceptor_.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_.bind(at, error);
    if (!error) acceptor_.listen(static_cast<int>(kConnections), error);
    if (error) {
      std::ostringstream text;
      text << at;
      const bool taken = error == asio::error::address_in_use;
      return Error{taken ? Error::Code::conflict : Error::Code::io, "cannot listen on " + text.str() + ": " + error.message(), way_out(error)};
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
      // Over the limit one is closed at once: a queue would only keep those waiting that do nothing wrong.
      if (make_room()) std::make_shared<Connection>(std::move(socket), service_, workers_, open_)->begin(tls_);
      accept();
    });
  }

  /// At the limit the oldest goes of those that showed no token: peers that hold connections open and have nothing to say push
  /// out one another, and nobody who was let in. If all were let in, the oldest that waits goes.
  bool make_room() {
    if (open_.size() < kConnections) return true;
    auto gone = std::find_if(open_.begin(), open_.end(), [](const auto* one) { return !one->is_known(); });
    if (gone == open_.end()) gone = std::find_if(open_.begin(), open_.end(), [](const auto* one) { return one->is_idle(); });
    if (gone == open_.end()) return false;
    (*gone)->drop();
    return true;
  }

  Result<TlsContext> encryption() const {
    auto identity = identity_();
    if (!identity) return identity.error();
    return detail::tls_context(*identity);
  }

  /// Certificates are for a while, servers may be for longer. Connections that are open keep theirs.
  void renew_later() {
    renewal_.expires_after(every_);
    renewal_.async_wait([this](error_code error) {
      if (error) return;
      asio::post(workers_.prompt, [this] {  // It reads files.
        auto fresh = encryption();
        asio::post(context_, [this, fresh] {
          if (fresh) tls_ = *fresh;  // Else the one there is serves on; whoever comes sees when it ends.
          renew_later();
        });
      });
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
  Connections open_;
  std::string address_;
  Service& service_;
  const std::function<Result<Identity>()> identity_;
  const std::chrono::milliseconds every_;
  TlsContext tls_;  // None: in the clear.
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_, renewal_;
  Workers workers_;
  std::thread thread_;
};

Server::Server(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
Server::~Server() = default;
const std::string& Server::address() const { return listener_->address(); }

Result<Done> Server::check(const Settings& settings) {
  auto at = endpoint(settings.address, static_cast<bool>(settings.identity));
  if (!at) return at.error();
  return Done{};
}

Result<std::unique_ptr<Server>> Server::open(const Settings& settings, Service& service) {
  auto at = endpoint(settings.address, static_cast<bool>(settings.identity));
  if (!at) return at.error();
  const NoSignals quiet;
  auto listener = std::make_unique<Listener>(service, settings);
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
