// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <string>

#include "tuner/facts.hpp"
#include "tuner/history.hpp"

/// The events that `tune sweep --json` prints, one JSON object a line: docs/events.md.
namespace tune {

/// {"v":1,"seq":…,"ts":…,"event":"NAME",MEMBERS} without the newline.
std::string event_line(const std::string& name, Seq seq, double ts, const std::string& members);
/// The event that a record becomes; empty: none. Reports only if `every_report`.
std::string event_of(const Record&, const History&, bool every_report);

}  // namespace tune
