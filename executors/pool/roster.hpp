// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tuner/facts.hpp"
#include "tuner/time.hpp"

namespace tune {

/// Who of the agents lives, as far as can be told from the coordinator's side. Pure: the caller tells what came and when.
///
/// An agent that falls silent is first suspect and then lost, once it must have ended its trials by itself: it counts its
/// lease from when it *sent* the last beat that was answered, we from when we *received* it, which was later. A connection
/// that broke is no proof of anything. The word of its guard, or its own good-bye, is: then it is lost at once.
class Roster {
 public:
  struct Settings {
    double beat = 2;    ///< Seconds between beats. Three missed make it suspect.
    double lease = 20;  ///< Seconds without an answer after which it ends its trials.
    double grace = 3;   ///< That it gives them to end.
    double slack = 2;   ///< For clocks that do not run alike.
    double silence() const { return lease + grace + slack; }
  };
  explicit Roster(Settings settings) : settings_(settings) {}

  struct Change {
    std::string agent;
    enum class What : std::uint8_t { ready, suspect, lost } what = What::ready;
    std::string why, proof;
  };

  /// It is here (again). False: it was here all along, suspect or not.
  bool hello(const std::string& agent, Time now);
  /// It lives. The change from suspect to ready, if it was. Nothing for one that is not known.
  std::optional<Change> beat(const std::string& agent, Time now);
  /// Proven dead. Nothing for one that is not known.
  std::optional<Change> gone(const std::string& agent, const std::string& why, const std::string& proof);
  /// What silence has come to mean by now.
  std::vector<Change> look(Time now);
  /// When look() could have something new to say.
  std::optional<Time> next() const;

 private:
  struct Agent {
    Time heard;
    bool suspect = false;
  };
  Time due(const Agent&) const;

  const Settings settings_;
  std::map<std::string, Agent> agents_;
};

}  // namespace tune
