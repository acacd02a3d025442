// SPDX-License-Identifier: Apache-2.0
#include "ui/server/exchange.hpp"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <charconv>

namespace tune {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;

constexpr std::string_view kPolicy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; font-src 'self'; "
    "frame-ancestors 'none'; base-uri 'none'; form-action 'none'";

/// What Beast's parser lets pass and other programs may read differently.
std::optional<Malformed> ambiguous(std::string_view head) {
  for (std::size_t i = 0; i < head.size(); ++i) {
    const auto c = static_cast<unsigned char>(head[i]);
    if (c == '\n' && (i == 0 || head[i - 1] != '\r')) return Malformed{400, "a line ends without CR"};
    if (c == '\r' && (i + 1 == head.size() || head[i + 1] != '\n')) return Malformed{400, "a CR within a line"};
    if (c == '\n' && i + 1 < head.size() && (head[i + 1] == ' ' || head[i + 1] == '\t'))
      return Malformed{400, "a folded header"};
    if ((c < 0x20 && c != '\r' && c != '\n' && c != '\t') || c == 0x7f) return Malformed{400, "a control character"};
  }
  return std::nullopt;
}

std::optional<Malformed> framing(const Request& request) {
  if (request.count("transfer-encoding") > 0) return Malformed{501, "bodies come with a Content-Length here"};
  if (request.count("content-length") > 1) return Malformed{400, "more than one Content-Length"};
  const auto length = request.only("content-length");
  if (length && (length->empty() || length->size() > 15 || length->find_first_not_of("0123456789") != std::string_view::npos))
    return Malformed{400, "a Content-Length that is no number"};
  if (request.body_length() > kBodyLimit) return Malformed{413, "a body has at most 1 MiB"};
  const bool bodiless = request.method == "GET" || request.method == "HEAD";
  if (bodiless && request.body_length() > 0) return Malformed{400, "a body where none belongs"};
  if (!std::all_of(request.target.begin(), request.target.end(), [](char c) { return c > ' ' && c < 0x7f; }))
    return Malformed{400, "a target with other characters than a URL has"};
  if (!request.target.starts_with('/')) return Malformed{400, "a target that is no path of this server"};
  if (request.count("upgrade") > 0) return Malformed{400, "there is nothing to upgrade to"};
  return std::nullopt;
}

Malformed malformed(const beast::error_code& error) {
  if (error == http::error::header_limit || error == http::error::buffer_overflow) return {431, "more than 16 KiB of headers"};
  if (error == http::error::bad_version) return {505, "another version than HTTP/1.1"};
  return {400, "not HTTP: " + error.message()};
}

std::string_view reason(int status) {
  const auto text = http::obsolete_reason(static_cast<http::status>(status));
  return {text.data(), text.size()};
}

}  // namespace

std::string_view Request::query() const {
  const auto mark = target.find('?');
  return mark == std::string::npos ? std::string_view{} : std::string_view(target).substr(mark + 1);
}

std::size_t Request::count(std::string_view header) const {
  return static_cast<std::size_t>(
      std::count_if(headers.begin(), headers.end(), [&](const auto& h) { return h.first == header; }));
}

std::optional<std::string_view> Request::only(std::string_view header) const {
  std::optional<std::string_view> found;
  for (const auto& [name, value] : headers) {
    if (name != header) continue;
    if (found) return std::nullopt;
    found = value;
  }
  return found;
}

std::size_t Request::body_length() const {
  const auto text = only("content-length");
  std::size_t length = 0;
  if (text) std::from_chars(text->data(), text->data() + text->size(), length);
  return length;
}

std::size_t head_length(std::string_view bytes) {
  const auto end = bytes.find("\r\n\r\n");
  if (end != std::string_view::npos) return end + 4;
  // Without CR it never ends as it should: what is there is enough to say so.
  const auto bare = bytes.find("\n\n");
  return bare == std::string_view::npos ? 0 : bare + 2;
}

std::variant<Request, Malformed> read_head(std::string_view head) {
  if (head.size() > kHeadLimit) return Malformed{431, "more than 16 KiB of headers"};
  if (auto wrong = ambiguous(head)) return *wrong;
  http::request_parser<http::empty_body> parser;
  parser.header_limit(kHeadLimit);
  parser.body_limit(boost::none);  // framing() has the limit, and its own status.
  beast::error_code error;
  parser.put(boost::asio::const_buffer(head.data(), head.size()), error);
  if (error) return malformed(error);
  if (!parser.is_header_done()) return Malformed{400, "half a request"};
  const auto& message = parser.get();
  if (message.version() != 11 && message.version() != 10) return Malformed{505, "another version than HTTP/1.1"};
  Request request;
  const auto method = message.method_string(), target = message.target();
  request.method.assign(method.data(), method.size());
  request.target.assign(target.data(), target.size());
  request.keep_alive = message.keep_alive();
  for (const auto& field : message) {
    std::string name(field.name_string().data(), field.name_string().size());
    for (char& c : name)
      if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    request.headers.emplace_back(std::move(name), std::string(field.value().data(), field.value().size()));
  }
  if (auto wrong = framing(request)) return *wrong;
  return request;
}

std::string head_of(const Response& response, bool keep_alive) {
  std::string head = "HTTP/1.1 " + std::to_string(response.status) + " " + std::string(reason(response.status)) + "\r\n";
  const auto add = [&](std::string_view name, std::string_view value) {
    head.append(name).append(": ").append(value).append("\r\n");
  };
  if (response.status != 304 && response.status != 303) add("Content-Type", response.content_type);
  if (!response.stream && response.status != 304) add("Content-Length", std::to_string(response.body.bytes().size()));
  add("Cache-Control", response.cache);
  add("Content-Security-Policy", kPolicy);
  add("X-Content-Type-Options", "nosniff");
  add("Referrer-Policy", "no-referrer");
  add("Cross-Origin-Resource-Policy", "same-origin");
  for (const auto& [name, value] : response.headers) add(name, value);
  add("Connection", keep_alive && !response.stream ? "keep-alive" : "close");
  return head + "\r\n";
}

}  // namespace tune
