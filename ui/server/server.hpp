// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "executors/link/authority.hpp"
#include "ui/server/exchange.hpp"

namespace tune {

/// Who answers. Outlives the server.
class Service {
 public:
  virtual ~Service() = default;
  /// Looks at a request before its body is read: an answer ends it there, nullopt lets it through. Quick; on the server's
  /// network thread.
  virtual std::optional<Response> admit(const Request&) = 0;
  /// May the answer to a request that was let through wait for somebody else? Then the others do not wait for it. Quick; on
  /// the server's network thread.
  virtual bool may_wait(const Request&) { return false; }
  /// The answer to a request that was let through. On one of the server's working threads, several at a time.
  virtual Response serve(const Request&) = 0;
  /// What is told to peers whose bytes are no request.
  virtual Response refuse(const Malformed&) = 0;
};

/// A web server: HTTP/1.1 with connections that stay open, in the clear for this machine alone, or through TLS (1.2, 1.3). It
/// knows nothing of what it serves.
///
/// Limits: 16 KiB of headers, 1 MiB of body, 5 seconds for a TLS handshake, 256 connections: one more closes the oldest of
/// those that were not let in yet (by Service::admit), else the oldest that waits. A request must be whole within 10
/// seconds of its first byte, a connection without one is closed after 60, a peer that takes nothing of its answer for 10
/// seconds is cut off. An answer goes out while nothing else of its connection is worked on, so a peer costs one answer at most.
///
/// Threads: one for the network, which never waits for a disk, a few that work on answers, and some for those that may wait.
class Server {
 public:
  struct Settings {
    std::string address;  ///< "127.0.0.1:7740", "[::1]:7740", "localhost:7740"; port 0: a free one.
    int threads = 4;      ///< That work on answers.
    /// Encrypts with what it gives; asked at the start and every `renewal` from then on, by any thread. None: in the clear.
    std::function<Result<Identity>()> identity = {};
    std::chrono::milliseconds renewal = std::chrono::hours(12);
    int waiting = 8;  ///< Threads besides, for answers that may wait.
  };
  /// Touches nothing. Error (invalid): the address is not one, or not of this machine alone and there is no TLS.
  static Result<Done> check(const Settings&);
  /// Listens from here on. Error: that of check() or of the identity, or the port is taken (conflict).
  static Result<std::unique_ptr<Server>> open(const Settings&, Service&);
  /// Closes every connection; waits for answers that are worked on.
  ~Server();

  /// As bound: "127.0.0.1:43817".
  const std::string& address() const;

 private:
  class Listener;
  explicit Server(std::unique_ptr<Listener>);
  std::unique_ptr<Listener> listener_;
};

/// What a server sends to a peer that sends exactly these bytes: one answer for each whole request, then one that says what
/// is wrong, if something is. For tests and the fuzzer; connections go the same way.
std::string answers(std::string_view bytes, Service&);

}  // namespace tune
