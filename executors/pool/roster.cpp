// SPDX-License-Identifier: Apache-2.0
#include "executors/pool/roster.hpp"

#include <algorithm>
#include <utility>

#include "tuner/units.hpp"

namespace tune {
namespace {
constexpr int kMissed = 3;
}

Time Roster::due(const Agent& agent) const {
  return agent.heard + Duration{agent.suspect ? settings_.silence() : std::min(kMissed * settings_.beat, settings_.silence() / 2)};
}

bool Roster::hello(const std::string& agent, Time now) {
  const auto [it, fresh] = agents_.try_emplace(agent);
  it->second = {now, false};
  return fresh;
}

std::optional<Roster::Change> Roster::beat(const std::string& agent, Time now) {
  const auto it = agents_.find(agent);
  if (it == agents_.end()) return std::nullopt;
  it->second.heard = std::max(it->second.heard, now);
  if (!std::exchange(it->second.suspect, false)) return std::nullopt;
  return Change{agent, Change::What::ready, "it is heard again", ""};
}

std::optional<Roster::Change> Roster::gone(const std::string& agent, const std::string& why, const std::string& proof) {
  if (agents_.erase(agent) == 0) return std::nullopt;
  return Change{agent, Change::What::lost, why, proof};
}

std::vector<Roster::Change> Roster::look(Time now) {
  std::vector<Change> changes;
  for (auto it = agents_.begin(); it != agents_.end();) {
    auto& [id, agent] = *it;
    if (now < due(agent)) {
      ++it;
      continue;
    }
    const std::string silence = "nothing was heard of it for " + to_text(Duration{std::max(0.0, (now - agent.heard).seconds)});
    if (!agent.suspect) {
      agent.suspect = true;
      changes.push_back({id, Change::What::suspect, silence, ""});
    }
    if (now >= due(agent)) {  // Of one that is suspect by now.
      changes.push_back({id, Change::What::lost, silence, "its lease ended"});
      it = agents_.erase(it);
    } else {
      ++it;
    }
  }
  return changes;
}

std::optional<Time> Roster::next() const {
  std::optional<Time> soonest;
  for (const auto& [id, agent] : agents_) soonest = soonest ? std::min(*soonest, due(agent)) : due(agent);
  return soonest;
}

}  // namespace tune
