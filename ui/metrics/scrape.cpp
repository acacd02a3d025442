// SPDX-License-Identifier: Apache-2.0
#include "ui/metrics/scrape.hpp"

#include <fcntl.h>
#include <signal.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <chrono>
#include <optional>
#include <sstream>
#include <thread>
#include <utility>

#include "tuner/value.hpp"
#include "ui/server/token.hpp"

namespace tune {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;
using Request = http::request<http::empty_body>;
using Response = http::response<http::string_body>;
// empty_body: a request with a body fails in the parser, so nothing a peer sends is ever taken for a second request.
using Parser = http::request_parser<http::empty_body>;

constexpr std::size_t kHeaderLimit = 16 * 1024;
constexpr auto kPatience = std::chrono::seconds(10);
constexpr int kConnections = 32;

std::string_view view(beast::string_view text) { return {text.data(), text.size()}; }

Response reply(http::status status, std::string text) {
  Response response{status, 11};
  response.set(http::field::content_type, "text/plain; charset=utf-8");
  response.set(http::field::cache_control, "no-store");
  response.set("X-Content-Type-Options", "nosniff");
  response.body() = std::move(text);
  return response;
}

/// The names by which this machine calls itself, with any port.
bool is_own_name(std::string_view host) {
  std::string_view name = host;
  const auto colon = host.rfind(':');
  if (colon != std::string_view::npos && host.back() != ']') {
    const auto port = host.substr(colon + 1);
    if (port.empty() || port.size() > 5 || port.find_first_not_of("0123456789") != std::string_view::npos) return false;
    name = host.substr(0, colon);
  }
  return name == "127.0.0.1" || name == "[::1]" || beast::iequals({name.data(), name.size()}, "localhost");
}

bool shows_token(const Request& request, std::string_view token) {
  if (request.count(http::field::authorization) != 1) return false;
  const auto value = view(request[http::field::authorization]);
  constexpr std::string_view scheme = "Bearer ";
  return value.size() > scheme.size() && beast::iequals({value.data(), scheme.size()}, "Bearer ") &&
         same_secret(value.substr(scheme.size()), token);
}

Response answer(const Request& request, std::string_view token, const ScrapeServer::Page& page) {
  if (request.count(http::field::host) != 1 || !is_own_name(view(request[http::field::host])))
    return reply(http::status::misdirected_request, "This server answers to localhost only.\n");
  const auto target = view(request.target());
  if (target.substr(0, target.find('?')) != "/metrics") return reply(http::status::not_found, "There is only /metrics.\n");
  if (request.method() != http::verb::get) {
    auto response = reply(http::status::method_not_allowed, "Only GET.\n");
    response.set(http::field::allow, "GET");
    return response;
  }
  if (!token.empty() && !shows_token(request, token)) {
    auto response = reply(http::status::unauthorized, "Show the token that is in the store's folder: Authorization: Bearer TOKEN\n");
    response.set(http::field::www_authenticate, "Bearer realm=\"tune\"");
    return response;
  }
  auto response = reply(http::status::ok, page());
  response.set(http::field::content_type, "text/plain; version=0.0.4; charset=utf-8");
  return response;
}

Response refusal(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow)
    return reply(http::status::request_header_fields_too_large, "Too many headers.\n");
  return reply(http::status::bad_request, "This is not a request without a body.\n");
}

bool is_of_http(const beast::error_code& error) {
  return error.category() == beast::error_code{http::error::end_of_stream}.category();
}

void finish(Response& response, const Request* request) {
  response.keep_alive(request != nullptr && request->keep_alive() && response.result() == http::status::ok);
  response.prepare_payload();
}

/// One peer. Lives in the callbacks that hold it, hence shared_from_this.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(tcp::socket socket, const std::string& token, const ScrapeServer::Page& page, int& open)
      : stream_(std::move(socket)), buffer_(kHeaderLimit + 1), token_(token), page_(page), open_(open) {
    ++open_;
  }
  ~Connection() { --open_; }

  void read() {
    parser_.emplace();
    parser_->header_limit(kHeaderLimit);
    stream_.expires_after(kPatience);
    http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](beast::error_code error, std::size_t) { self->write(error); });
  }

 private:
  void write(const beast::error_code& error) {
    if (error == http::error::end_of_stream || (error && !is_of_http(error))) return;  // Gone, or too slow: nobody to tell.
    response_ = error ? refusal(error) : answer(parser_->get(), token_, page_);
    finish(response_, error ? nullptr : &parser_->get());
    stream_.expires_after(kPatience);
    http::async_write(stream_, response_, [self = shared_from_this()](beast::error_code failed, std::size_t) {
      if (!failed && self->response_.keep_alive()) return self->read();
      beast::error_code ignored;
      self->stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    });
  }

  beast::tcp_stream stream_;
  beast::flat_buffer buffer_;
  std::optional<Parser> parser_;
  Response response_;
  const std::string& token_;
  const ScrapeServer::Page& page_;
  int& open_;
};

Error not_an_address(const std::string& address) {
  return {Error::Code::invalid, "'" + printable(address) + "' is not an address to listen on", "for example 127.0.0.1:9464"};
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
  boost::system::error_code error;
  const auto ip = asio::ip::make_address(host, error);
  if (error || wrong != std::errc{} || stop != end || colon + 1 == address.size()) return not_an_address(address);
  if (!ip.is_loopback())
    return Error{Error::Code::invalid, printable(address) + " could be reached from other machines; metrics are served on this one only",
                 "listen on 127.0.0.1 and let a reverse proxy with TLS, or an ssh tunnel, carry them further"};
  return tcp::endpoint{ip, port};
}

}  // namespace

class ScrapeServer::Listener {
 public:
  Listener(std::string token, Page page) : token_(std::move(token)), page_(std::move(page)), acceptor_(context_), pause_(context_) {}
  ~Listener() {
    context_.stop();
    if (thread_.joinable()) thread_.join();
  }

  Result<Done> open(const tcp::endpoint& at) {
    boost::system::error_code error;
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
    // Signals are for the threads that wait for them.
    sigset_t all, before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);
    thread_ = std::thread([this] { context_.run(); });
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    return Done{};
  }

  const std::string& address() const { return address_; }

 private:
  void accept() {
    acceptor_.async_accept([this](boost::system::error_code error, tcp::socket socket) {
      if (error == asio::error::operation_aborted) return;
      if (error) return accept_later();
      ::fcntl(socket.native_handle(), F_SETFD, FD_CLOEXEC);
      // Over the limit a peer is closed at once: a queue would only keep those waiting that do nothing wrong.
      if (open_ < kConnections) std::make_shared<Connection>(std::move(socket), token_, page_, open_)->read();
      accept();
    });
  }

  /// Out of descriptors, for example. Trying again at once would only burn a core.
  void accept_later() {
    pause_.expires_after(std::chrono::milliseconds(100));
    pause_.async_wait([this](boost::system::error_code error) {
      if (!error) accept();
    });
  }

  // The context is destroyed last of what the callbacks in it use: they hold connections, which refer to the members above.
  int open_ = 0;
  std::string token_, address_;
  Page page_;
  asio::io_context context_{1};
  tcp::acceptor acceptor_;
  asio::steady_timer pause_;
  std::thread thread_;
};

ScrapeServer::ScrapeServer(std::unique_ptr<Listener> listener) : listener_(std::move(listener)) {}
ScrapeServer::~ScrapeServer() = default;
const std::string& ScrapeServer::address() const { return listener_->address(); }

Result<std::unique_ptr<ScrapeServer>> ScrapeServer::open(const Settings& settings, Page page) {
  auto at = endpoint(settings.address);
  if (!at) return at.error();
  auto listener = std::make_unique<Listener>(settings.token, std::move(page));
  if (auto opened = listener->open(*at); !opened) return opened.error();
  return std::unique_ptr<ScrapeServer>(new ScrapeServer(std::move(listener)));
}

std::string answers(std::string_view bytes, std::string_view token, const ScrapeServer::Page& page) {
  std::ostringstream out;
  asio::const_buffer rest{bytes.data(), bytes.size()};
  while (rest.size() > 0) {
    Parser parser;
    parser.header_limit(kHeaderLimit);
    parser.eager(true);
    beast::error_code error;
    rest += parser.put(rest, error);
    if (error == http::error::need_more || (!error && !parser.is_done())) break;
    Response response = error ? refusal(error) : answer(parser.get(), token, page);
    finish(response, error ? nullptr : &parser.get());
    out << response;
    if (!response.keep_alive()) break;
  }
  return std::move(out).str();
}

}  // namespace tune
