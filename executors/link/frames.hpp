// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "executors/link/tls_socket.hpp"

namespace tune::detail {

/// One WebSocket, of either end: whole text messages both ways. On one thread, from which all its callbacks come;
/// callbacks hold it, so it lives until the last has run.
class Frames : public std::enable_shared_from_this<Frames> {
 public:
  explicit Frames(TlsSocket);
  ~Frames();

  /// The coordinator's end: answers this request for an upgrade, as it was read, head only.
  void accept(const std::string& request, std::function<void(bool ok)> then);
  /// The agent's end: asks for an upgrade. `why` is empty if it was granted.
  void request(const std::string& host, const std::string& protocol,
               std::function<void(const std::string& why, bool refused)> then);

  /// From now on. `received` is on for as long as it does not end; `ended` comes once, unless cut() was called.
  void begin(std::function<void(std::string_view)> received, std::function<void(const std::string& why)> ended);
  void send(std::string message);
  /// After what is waiting to be sent; the peer is told why. Nothing more is received.
  void close(std::string why);
  /// At once and without a word; no callback of begin() comes any more.
  void cut();

  /// When the peer gave a sign of life last.
  Clock::time_point heard() const { return heard_; }
  /// Why it has to be cut off: it takes nothing, or too much waits. Empty: it need not.
  std::string trouble(Clock::time_point now) const;

 private:
  struct Stream;
  void read();
  void write();
  void end(const std::string& why);

  std::unique_ptr<Stream> stream_;
  std::function<void(std::string_view)> received_;
  std::function<void(const std::string&)> ended_;
  Clock::time_point heard_ = Clock::now(), began_writing_{};
  std::size_t waiting_ = 0;  ///< Bytes.
  bool writing_ = false, closing_ = false;
  std::string farewell_;
};

/// Does the list of a Sec-WebSocket-Protocol header have it?
bool offers_protocol(std::string_view header, std::string_view protocol);

}  // namespace tune::detail
