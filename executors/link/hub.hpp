// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "executors/link/authority.hpp"
#include "executors/link/host_name.hpp"
#include "executors/link/protocol.hpp"
#include "tuner/result.hpp"

namespace tune {

/// The coordinator's end of the lines: one port, to which agents dial in. TLS 1.3 always; whoever comes shows a certificate of the
/// store's authority, or may do one thing: change a join token for a certificate.
///
///   POST /join           a token and a request for a certificate, and the certificate back; the only thing without one
///   GET  /agent          the line: a WebSocket that carries messages (text frames) both ways
///   GET  /bytes/PATH     a file of the coordinator, to the agent
///   PUT  /bytes/PATH     a file of the agent, to the coordinator
///
/// It knows nothing of messages, leases and trials: those are the Handler's.
///
/// Limits. 256 peers that showed no certificate yet, of whom the oldest is pushed out; 5 seconds for a handshake; 64 KiB of a request
/// to join; 64 that join at once, and after 50 wrong tokens 10 a second; 20,000 lines and 2048 transfers. A peer that takes nothing,
/// or of a transfer gives nothing, for 20 seconds, or for whom more than 16 MiB wait, is cut off. What a transfer costs in memory is
/// 256 KiB.
///
/// Threads: one for the network, which never waits for a disk, and four for files and tokens. None of them gets signals.
class Hub {
 public:
  /// An open line. A number is never used twice.
  enum class Peer : std::uint64_t {};

  struct Answer {
    int status = 200;  ///< Of HTTP: 200 to 299 is yes.
    std::string text;  ///< One sentence for the agent's log.
  };
  /// What is sent: `most` bytes of a file from a place on, or what there is.
  struct Download {
    std::string file;
    std::uint64_t from = 0, most = UINT64_MAX;
  };
  /// Where an upload goes. `file` must not be there; it is made 0600, and is gone after `whole` has returned, which is called
  /// when all of it is in there (not yet synced) and may rename it. Cut off or not taken, nothing of it is left.
  struct Upload {
    std::string file;
    std::function<Answer()> whole;
  };

  /// Who listens. Outlives the hub.
  class Handler {
   public:
    virtual ~Handler() = default;
    // --- on the network thread: quick, and never waiting ---
    /// Why this agent may not come any more, though its certificate is good (its allocation was cancelled, say).
    virtual std::optional<std::string> refuse(const AgentName&) { return std::nullopt; }
    /// It has a line from here on, for as long as its certificate holds. One that says nothing stays: who gives leases closes it.
    virtual void connected(Peer, const AgentName&) = 0;
    virtual void received(Peer, std::string_view message) = 0;
    /// Once for each connected(), unless the hub ends first; nothing of that peer comes after it.
    virtual void gone(Peer, const std::string& why) = 0;
    /// Somebody came and was not let in: for the log. Whoever reaches the port can make these come as often as they like.
    virtual void turned_away(const std::string& address, const std::string& why) { (void)address, (void)why; }
    // --- on the threads for files, several at a time ---
    /// What the agent gets for PATH. PATH is "a/b.c": letters, digits, '.', '_', '-' in pieces that do not begin with a dot.
    virtual std::variant<Download, Answer> fetch(const AgentName&, const std::string& path);
    virtual std::variant<Upload, Answer> store(const AgentName&, const std::string& path, std::uint64_t length);
  };

  struct Settings {
    std::string folder;                   ///< The store's: authority, join tokens.
    std::string address = "127.0.0.1:0";  ///< Where it listens; port 0: a free one. Any address will do: TLS is always on.
    std::vector<std::string> names;       ///< By which agents reach it, besides those that this machine knows of.
  };

  /// Where to listen. Error (invalid): what open() refuses of the settings whatever the machine.
  static Result<HostAndPort> place(const Settings&);
  /// Listens from here on. Errors: those of place(), conflict (the port is taken), those of Authority::open.
  static Result<std::unique_ptr<Hub>> open(const Settings&, Handler&);
  /// Closes every line; when it returns, nothing of the handler is called any more.
  ~Hub();
  Hub(const Hub&) = delete;
  Hub& operator=(const Hub&) = delete;

  /// Any thread. In order; to a peer that is gone: nothing happens. A message is UTF-8 of at most kFrameLimit bytes.
  void send(Peer, std::string message);
  /// Any thread. gone() comes with this reason, on the network thread; the agent hears it after what was sent before.
  void close(Peer, std::string why);

  /// As bound: "127.0.0.1:43817".
  const std::string& address() const;
  /// What agents dial: the first of Settings::names or what this machine knows itself by, with the port.
  const std::string& dialled() const;
  /// What join files name.
  const std::string& fingerprint() const;

 private:
  class Inside;
  explicit Hub(std::unique_ptr<Inside>);
  std::unique_ptr<Inside> inside_;
};

}  // namespace tune
