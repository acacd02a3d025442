// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "tuner/result.hpp"

/// What goes over the wire of ui/server: a request as it came, an answer as it goes. No library's types, no routes.
namespace tune {

struct Request {
  std::string method;  ///< As written: "GET".
  std::string target;  ///< As written: "/x/digits?sort=loss".
  std::vector<std::pair<std::string, std::string>> headers;  ///< Names in lower case, in the order in which they came.
  std::string body;
  bool keep_alive = true;

  std::string_view path() const { return std::string_view(target).substr(0, target.find('?')); }
  /// What follows the `?`, as written.
  std::string_view query() const;
  std::size_t count(std::string_view header) const;
  /// The value of a header that came exactly once.
  std::optional<std::string_view> only(std::string_view header) const;
  /// Bytes of the body that follows, as Content-Length says.
  std::size_t body_length() const;
};

/// Why bytes are no request: the status to answer with (400, 413, 431, 501, 505) and a sentence.
struct Malformed {
  int status = 400;
  std::string what;
};

inline constexpr std::size_t kHeadLimit = 16 * 1024;
inline constexpr std::size_t kBodyLimit = 1024 * 1024;

/// Length of the head that `bytes` begin with, blank line included; 0: it is not whole yet.
std::size_t head_length(std::string_view bytes);
/// Reads a whole head. Strict, so that nobody in between can read it in another way: lines end with CR LF, no line is
/// folded, no control characters, a length and no transfer coding, a target that begins with `/`. Total on any bytes.
std::variant<Request, Malformed> read_head(std::string_view head);

/// Bytes to send, which are owned, shared with others, or last as long as the program.
class Body {
 public:
  Body() = default;
  explicit Body(std::string bytes) : Body(std::make_shared<const std::string>(std::move(bytes))) {}
  explicit Body(std::shared_ptr<const std::string> bytes) : keep_(std::move(bytes)), bytes_(*keep_) {}
  static Body lasting(std::string_view bytes) {
    Body body;
    body.bytes_ = bytes;
    return body;
  }
  std::string_view bytes() const { return bytes_; }

 private:
  std::shared_ptr<const std::string> keep_;
  std::string_view bytes_;
};

/// An answer without an end. It is asked for more only when all it gave before was sent, so that a peer that does not read
/// costs nothing but itself: whoever has news for it must be able to sum them up.
class Stream {
 public:
  virtual ~Stream() = default;
  /// Once, before the first next(). From then on `wake` may be called, from any thread, whenever there may be more.
  virtual void start(std::function<void()> wake) = 0;
  /// What to send now; empty: nothing. nullopt: that was all.
  virtual std::optional<std::string> next() = 0;
};

struct Response {
  int status = 200;
  std::string_view content_type = "application/json";  ///< Of static storage.
  std::string_view cache = "no-store";                 ///< Of static storage.
  std::vector<std::pair<std::string_view, std::string>> headers;  ///< Beside those that every answer has.
  Body body;
  std::unique_ptr<Stream> stream;  ///< Instead of a body.
};

/// Status line and headers, blank line included; those that every answer has are put in (CSP, nosniff, length).
std::string head_of(const Response&, bool keep_alive);

}  // namespace tune
