// SPDX-License-Identifier: Apache-2.0
#include "executors/link/frames.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/beast/websocket/stream.hpp>
#include <deque>
#include <optional>

#include "executors/link/protocol.hpp"
#include "tuner/value.hpp"

namespace tune::detail {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
namespace websocket = beast::websocket;

constexpr auto kPatience = std::chrono::seconds(20);
constexpr std::size_t kMostWaiting = 16 * 1024 * 1024;
constexpr std::size_t kKept = 64 * 1024;  // Of a buffer, after a message that was longer.

/// What a peer that is not ours may have put into a header, for people.
std::string shown(std::string_view header) { return header.empty() ? "none" : printable(header.substr(0, 100)); }

/// As much of it as a close frame takes, in whole characters.
std::string beginning_of(const std::string& text) {
  std::size_t size = std::min<std::size_t>(text.size(), 120);
  while (size < text.size() && size > 0 && (static_cast<unsigned char>(text[size]) & 0xC0) == 0x80) --size;
  return text.substr(0, size);
}

}  // namespace

struct Frames::Stream {
  explicit Stream(TlsSocket socket) : ws(std::move(socket)) {
    ws.read_message_max(kFrameLimit);
    ws.auto_fragment(false);
    ws.text(true);
  }
  websocket::stream<TlsSocket> ws;
  beast::flat_buffer buffer;
  std::deque<std::string> out;
  websocket::response_type response;
};

Frames::Frames(TlsSocket socket) : stream_(std::make_unique<Stream>(std::move(socket))) {}
Frames::~Frames() = default;

void Frames::accept(const std::string& request, std::function<void(bool ok)> then) {
  http::request_parser<http::empty_body> parser;
  error_code error;
  parser.put(boost::asio::buffer(request), error);
  if (error) return then(false);
  stream_->ws.set_option(websocket::stream_base::decorator([](websocket::response_type& response) {
    response.set(http::field::sec_websocket_protocol, {kAgentProtocol.data(), kAgentProtocol.size()});
  }));
  stream_->ws.async_accept(parser.get(),
                           [self = shared_from_this(), then = std::move(then)](error_code failure) { then(!failure); });
}

void Frames::request(const std::string& host, const std::string& protocol,
                     std::function<void(const std::string&, bool)> then) {
  stream_->ws.set_option(websocket::stream_base::decorator(
      [protocol](websocket::request_type& request) { request.set(http::field::sec_websocket_protocol, protocol); }));
  stream_->ws.async_handshake(
      stream_->response, host, "/agent",
      [self = shared_from_this(), protocol, then = std::move(then)](error_code error) {
        auto& stream = *self->stream_;
        const auto& answer = stream.response;
        if (error == websocket::error::upgrade_declined) {
          const auto status = answer.result_int();
          // 409: an older line of ours is not known to be dead yet. 429, 503: too many at once.
          return then(shown(answer.body()), status >= 400 && status < 500 && status != 409 && status != 429);
        }
        if (error) {
          const auto& why = stream.ws.next_layer().tls().why();
          return then(why.empty() ? error.message() : why, false);
        }
        const auto theirs = answer[http::field::sec_websocket_protocol];
        if (std::string_view(theirs.data(), theirs.size()) != protocol)
          return then(
              "this agent speaks " + protocol + ", and the coordinator " + shown({theirs.data(), theirs.size()}), true);
        then("", false);
      });
}

void Frames::begin(std::function<void(std::string_view)> received, std::function<void(const std::string&)> ended) {
  received_ = std::move(received), ended_ = std::move(ended);
  heard_ = Clock::now();
  stream_->ws.control_callback([this](websocket::frame_type, beast::string_view) { heard_ = Clock::now(); });
  read();
}

void Frames::read() {
  stream_->ws.async_read(stream_->buffer, [self = shared_from_this()](error_code error, std::size_t) {
    auto& stream = *self->stream_;
    if (error) {
      const auto& reason = stream.ws.reason().reason;
      const auto& broken = stream.ws.next_layer().tls().why();
      const bool closed = error == websocket::error::closed;
      if (closed && stream.ws.reason().code == websocket::close_code::too_big)
        return self->end("it says that a message had more than 1 MiB");
      if (error == websocket::error::message_too_big) return self->end("it sent a message of more than 1 MiB");
      if (closed && !reason.empty()) return self->end(shown({reason.data(), reason.size()}));
      return self->end(error == websocket::error::closed ? "it said goodbye"
                       : !broken.empty()                 ? broken
                                                         : error.message());
    }
    self->heard_ = Clock::now();
    if (!stream.ws.got_text()) return self->end("it sent a message that is no text");
    const auto bytes = stream.buffer.cdata();
    if (self->received_) self->received_({static_cast<const char*>(bytes.data()), bytes.size()});
    stream.buffer.clear();
    if (stream.buffer.capacity() > kKept) stream.buffer.shrink_to_fit();
    self->read();
  });
}

void Frames::send(std::string message) {
  TUNE_ASSERT(message.size() <= kFrameLimit, "a message of " + std::to_string(message.size()) + " bytes");
  if (closing_) return;
  waiting_ += message.size();
  stream_->out.push_back(std::move(message));
  if (!writing_) write();
}

void Frames::write() {
  auto& stream = *stream_;
  if (stream.out.empty()) {
    if (!closing_) return;
    writing_ = true;
    websocket::close_reason reason(websocket::close_code::normal);
    reason.reason = beginning_of(farewell_);
    return stream.ws.async_close(reason, [self = shared_from_this()](error_code) { self->cut(); });
  }
  writing_ = true;
  began_writing_ = Clock::now();
  stream.ws.async_write(boost::asio::buffer(stream.out.front()),
                        [self = shared_from_this()](error_code error, std::size_t) {
                          self->writing_ = false;
                          if (error) return self->end("it took no more: " + error.message());
                          self->waiting_ -= self->stream_->out.front().size();
                          self->stream_->out.pop_front();
                          self->write();
                        });
}

void Frames::close(std::string why) {
  if (closing_) return;
  closing_ = true;
  farewell_ = std::move(why);
  received_ = nullptr, ended_ = nullptr;
  if (!writing_) write();
}

void Frames::cut() {
  received_ = nullptr, ended_ = nullptr;
  closing_ = true;
  stream_->ws.next_layer().cut();
}

void Frames::end(const std::string& why) {
  const auto ended = std::move(ended_);
  cut();
  if (ended) ended(why);
}

std::string Frames::trouble(Clock::time_point now) const {
  if (waiting_ > kMostWaiting) return "more than 16 MiB wait for it";
  if (!writing_) return "";
  const auto since = std::max(began_writing_, stream_->ws.next_layer().wrote());
  return now - since > kPatience ? "it took nothing for 20 seconds" : "";
}

bool offers_protocol(std::string_view header, std::string_view protocol) {
  while (!header.empty()) {
    const auto comma = std::min(header.find(','), header.size());
    auto one = header.substr(0, comma);
    while (!one.empty() && (one.front() == ' ' || one.front() == '\t')) one.remove_prefix(1);
    while (!one.empty() && (one.back() == ' ' || one.back() == '\t')) one.remove_suffix(1);
    if (one == protocol) return true;
    header.remove_prefix(std::min(comma + 1, header.size()));
  }
  return false;
}

}  // namespace tune::detail
