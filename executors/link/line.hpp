// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "executors/link/authority.hpp"
#include "executors/link/join_file.hpp"
#include "executors/link/protocol.hpp"
#include "tuner/result.hpp"

namespace tune {

/// Changes a join token for a certificate. Nothing of the file is sent before the coordinator has proved that it is the one whose
/// authority the file names, by the names that its address says. Blocks: 20 seconds without a sign of it are too many; where
/// others are joining at once it waits for its turn, for a minute at most. Errors: unreachable (nobody there, try again), conflict
/// (somebody there who is not the coordinator), invalid (the coordinator says no, and why).
Result<Credentials> join(const JoinFile&, const std::string& agent);

/// The thread on which lines live. Each has its own, unless it is told to share one.
class LineThread {
 public:
  LineThread();
  /// Lines that use it have ended.
  ~LineThread();
  LineThread(const LineThread&) = delete;
  class Inside;
  Inside& inside() { return *inside_; }

 private:
  std::unique_ptr<Inside> inside_;
};

/// The agent's end of the line: dials the coordinator, and again whenever the line is lost, after 0.2 seconds at first and up to 15,
/// each a random part of what was doubled, so that many agents do not come back at once. An opening that lasted 5 seconds begins anew.
///
/// Nothing is kept for a later opening: what was sent and may not have arrived is the protocol's to send again. Messages go to
/// one opening by its number, so none of an older conversation can get into a newer one.
class Line {
 public:
  using Opening = std::uint64_t;  ///< Grows.

  /// On the line's thread: quick. None is called from the moment when stop() has returned.
  struct Callbacks {
    std::function<void(Opening)> opened;
    std::function<void(Opening, std::string_view message)> received;
    /// An opening ended, or dialling failed (opening 0). `refused`: the coordinator is there and does not want us, which will hardly
    /// change by trying again; the line tries all the same until it is stopped.
    std::function<void(Opening, const std::string& why, bool refused)> closed;
  };
  struct Settings {
    std::string address;
    Credentials credentials;
    std::string protocol = std::string(kAgentProtocol);
    std::shared_ptr<LineThread> thread = {};  ///< None: one of its own.
  };

  /// Begins to dial. Error (invalid): the address or the credentials are none.
  static Result<std::unique_ptr<Line>> open(Settings, Callbacks);
  /// Stops.
  ~Line();
  Line(const Line&) = delete;
  Line& operator=(const Line&) = delete;

  /// Any thread. In order; to an opening that is over: nothing happens. UTF-8 of at most kFrameLimit bytes.
  void send(Opening, std::string message);
  /// Any thread. Gives up what is open and dials at once.
  void reconnect_now();
  /// Any thread but the line's own. For good; transfers end too, and must have returned before the line goes.
  void stop();

  /// A file of the coordinator, to `to_file`, which must not be there and is left only if it is whole (not synced). Blocks, on a
  /// connection of its own; any thread. Errors: not_found and conflict as the coordinator says, invalid (it does not want to),
  /// unreachable (cut, or nothing came for 20 seconds), io (this machine's disk).
  Result<Done> fetch(const std::string& path, const std::string& to_file);
  /// The other way. The file must not change meanwhile.
  Result<Done> store(const std::string& from_file, const std::string& path);

 private:
  class Inside;
  Line(std::shared_ptr<LineThread>, std::shared_ptr<Inside>);
  std::shared_ptr<LineThread> thread_;
  std::shared_ptr<Inside> inside_;  ///< Shared with what is under way on the thread.
};

}  // namespace tune
