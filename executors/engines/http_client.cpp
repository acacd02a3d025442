// SPDX-License-Identifier: Apache-2.0
#include "executors/engines/http_client.hpp"

#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <algorithm>
#include <charconv>
#include <chrono>
#include <exception>

#include "tuner/units.hpp"
#include "tuner/value.hpp"

namespace tune {
namespace {

namespace asio = boost::asio;
namespace http = boost::beast::http;
using asio::ip::tcp;
using asio::use_awaitable;
using Tls = asio::ssl::stream<tcp::socket&>;

http::request<http::string_body> request_of(const HttpCall& call) {
  http::request<http::string_body> request;
  request.version(11);
  request.method_string(call.method);
  request.target(call.base.path + call.target);
  const bool usual = call.base.port == (call.base.tls ? "443" : "80");
  const std::string host = call.base.host.find(':') == std::string::npos ? call.base.host : "[" + call.base.host + "]";
  request.set(http::field::host, usual ? host : host + ":" + call.base.port);
  request.set(http::field::user_agent, "tune/" TUNE_VERSION);
  request.set(http::field::accept, "application/json");
  request.set(http::field::connection, "close");
  for (const auto& [name, value] : call.headers) request.set(name, value);
  if (!call.body.empty()) {
    if (request.find(http::field::content_type) == request.end()) request.set(http::field::content_type, "application/json");
    request.body() = call.body;
  }
  if (!call.body.empty() || call.method == "POST") request.prepare_payload();
  return request;
}

template <class Stream>
asio::awaitable<HttpAnswer> exchange(Stream& stream, const HttpCall& call) {
  auto request = request_of(call);
  co_await http::async_write(stream, request, use_awaitable);
  boost::beast::flat_buffer buffer;
  http::response_parser<http::string_body> parser;
  parser.body_limit(kHttpAnswer);
  co_await http::async_read(stream, buffer, parser, use_awaitable);
  co_return HttpAnswer{static_cast<int>(parser.get().result_int()), std::move(parser.get().body())};
}

asio::awaitable<HttpAnswer> converse(const HttpCall& call, std::string& doing) {
  const auto executor = co_await asio::this_coro::executor;
  doing = "finding";
  tcp::resolver resolver(executor);
  const auto found = co_await resolver.async_resolve(call.base.host, call.base.port, use_awaitable);
  doing = "connecting to";
  tcp::socket socket(executor);
  co_await asio::async_connect(socket, found, use_awaitable);
  if (!call.base.tls) {
    doing = "asking";
    co_return co_await exchange(socket, call);
  }
  doing = "trusting";
  asio::ssl::context context(asio::ssl::context::tls_client);
  if (call.ca_file.empty()) {
    context.set_default_verify_paths();
  } else {
    context.load_verify_file(call.ca_file);
  }
  Tls tls(socket, context);
  tls.set_verify_mode(asio::ssl::verify_peer);
  tls.set_verify_callback(asio::ssl::host_name_verification(call.base.host));
  SSL_set_tlsext_host_name(tls.native_handle(), call.base.host.c_str());
  co_await tls.async_handshake(asio::ssl::stream_base::client, use_awaitable);
  doing = "asking";
  co_return co_await exchange(tls, call);
}

}  // namespace

std::optional<Url> parse_url(std::string_view text) {
  Url url;
  if (text.starts_with("https://")) {
    url.tls = true;
    text.remove_prefix(8);
  } else if (text.starts_with("http://")) {
    text.remove_prefix(7);
  } else {
    return std::nullopt;
  }
  for (const char c : text)
    if (c <= ' ' || c >= 127 || c == '@' || c == '?' || c == '#' || c == '\\') return std::nullopt;
  std::string_view authority = text.substr(0, text.find('/'));
  url.path = text.substr(authority.size());
  while (url.path.ends_with('/')) url.path.pop_back();
  if (authority.starts_with('[')) {
    const auto close = authority.find(']');
    if (close == std::string_view::npos) return std::nullopt;
    url.host = authority.substr(1, close - 1);
    authority.remove_prefix(close + 1);
  } else {
    url.host = authority.substr(0, authority.find(':'));
    authority.remove_prefix(url.host.size());
  }
  url.port = url.tls ? "443" : "80";
  if (!authority.empty()) {
    unsigned port = 0;
    const auto digits = authority.substr(1);
    const auto read = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (authority[0] != ':' || read.ec != std::errc{} || read.ptr != digits.data() + digits.size() || port == 0 || port > 65535) return std::nullopt;
    url.port = std::to_string(port);
  }
  if (url.host.empty() || url.host.find_first_of("[]/") != std::string::npos) return std::nullopt;
  return url;
}

Result<HttpAnswer> ask(const HttpCall& call) {
  const std::string where = call.base.host + ":" + call.base.port;
  std::optional<HttpAnswer> answer;
  std::string doing, failed;
  try {
    asio::io_context io(1);
    asio::co_spawn(io, converse(call, doing), [&](std::exception_ptr error, HttpAnswer got) {
      if (!error) {
        answer = std::move(got);
        return;
      }
      try {
        std::rethrow_exception(error);
      } catch (const boost::system::system_error& what) {
        failed = what.code().message();
      } catch (const std::exception& what) {
        failed = what.what();
      }
    });
    io.run_for(std::chrono::duration_cast<std::chrono::nanoseconds>(std::chrono::duration<double>(call.limit.seconds)));
    if (!answer && failed.empty()) failed = "no answer within " + to_text(call.limit);
  } catch (const std::exception& what) {
    failed = what.what();
  }
  if (answer) return std::move(*answer);
  return Error{Error::Code::unreachable, doing + " " + printable(where) + ": " + printable(failed), "see whether it runs and its address is right"};
}

}  // namespace tune
