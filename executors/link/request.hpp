// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "executors/descriptor.hpp"
#include "executors/link/host_name.hpp"
#include "executors/link/tls.hpp"
#include "tuner/result.hpp"

namespace tune::detail {

/// What an answer begins with.
struct AnswerHead {
  int status = 0;
  std::uint64_t length = 0;
};
/// nullopt: it is no answer of HTTP/1.1 with a length. `text` ends with the blank line.
std::optional<AnswerHead> parse_answer_head(std::string_view text);

/// One HTTPS request, for a thread that has the time: every call blocks until something has happened, 20 seconds at
/// most, or `stop` is true. Errors (unreachable) say what became of the connection.
class Request {
 public:
  /// Connects and shakes hands. `host_must_be`: as Tls; empty: anybody.
  static Result<Request> open(const HostAndPort&, const TlsContext&, const std::string& host_must_be,
                              const std::atomic<bool>* stop = nullptr);

  const Tls& tls() const { return *tls_; }
  Result<Done> send(std::string_view);
  /// Has the server something to say already?
  bool is_answered() const;
  Result<AnswerHead> receive_head();
  /// Some of what comes after the head, one byte at least.
  Result<std::size_t> receive(char* into, std::size_t most);
  /// A short answer, whole: its first 64 KiB.
  Result<std::string> receive_text(const AnswerHead&);

 private:
  Request(Descriptor socket, const std::atomic<bool>* stop) : socket_(std::move(socket)), stop_(stop) {}
  template <class Try>
  Result<std::size_t> finish(Try);

  Descriptor socket_;
  std::unique_ptr<Tls> tls_;
  const std::atomic<bool>* stop_;
  std::string received_;  ///< Beyond the head.
};

}  // namespace tune::detail
