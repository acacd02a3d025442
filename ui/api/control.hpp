// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/result.hpp"

/// How one `tune` asks another, which owns an experiment, for something: one line of JSON there, one back, over the
/// Unix socket `<store>.d/<name>/sock`. docs/formats/control.md has the lines.
namespace tune {

class Sweep;

/// What is asked for: a fact to record, or settings to change.
struct Wish {
  std::optional<Observation> fact;    ///< Requested or Annotated.
  std::vector<std::string> settings;  ///< "stop.trials=500"; used when there is no fact.
  std::string by;
};
std::string to_json_line(const Wish&);
/// Total on any bytes.
Result<Wish> wish_from_json_line(std::string_view line);

/// The owner's end. Listens for as long as it lives, on a thread of its own; the loop is never held up. Only processes
/// of the same user are heard (SO_PEERCRED, and the socket has mode 0600). A line has at most 64 KiB; a peer that has
/// not sent it within 10 seconds is cut off. The answer goes out once the wish is durable or refused.
class ControlServer {
 public:
  /// `sweep` outlives the server. Error::io if the socket cannot be made: the sweep can go on without it.
  static Result<std::unique_ptr<ControlServer>> open(const std::string& folder, Sweep& sweep);
  ~ControlServer();

 private:
  class Listener;
  explicit ControlServer(std::unique_ptr<Listener>);
  std::unique_ptr<Listener> listener_;
};

/// Asks the owner of the experiment whose folder this is. Done: it is durable. nullopt: nobody listens there. The
/// owner's refusal is the Error; unreachable if it does not answer within 30 seconds.
std::optional<Result<Done>> ask_owner(const std::string& folder, const Wish&);

/// Has an experiment's owner carry out a wish; where nobody owns it, it is owned for the length of this call and the wish only
/// recorded, with what is decided on it. Done: it is durable. Errors: those of ask_owner and Sweep::open_existing.
Result<Done> carry_out(const std::string& store, const std::string& experiment, const Wish&);

/// Who asks, for the record: the name of this process's user.
std::string this_user();

}  // namespace tune
