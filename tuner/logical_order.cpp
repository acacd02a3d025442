// SPDX-License-Identifier: Apache-2.0
#include "tuner/logical_order.hpp"

namespace tune {

void LogicalOrder::enter(TrialId id) {
  auto& line = lines_[id];
  line.base = tick_ - line.cursor;
  active_.insert(id);
}

void LogicalOrder::leave(TrialId id) { active_.erase(id); }

void LogicalOrder::forget(TrialId id) {
  active_.erase(id);
  lines_.erase(id);
}

void LogicalOrder::reported(const Record& record) {
  const auto& r = *record.as<Reported>();
  const auto it = lines_.find(r.trial);
  if (it != lines_.end() && r.step > it->second.cursor) it->second.ahead.emplace(r.step, record);
}

void LogicalOrder::ended(const Record& exited) {
  const auto it = lines_.find(exited.as<Exited>()->trial);
  if (it != lines_.end()) it->second.end = exited;
}

bool LogicalOrder::is_hungry(TrialId id) const {
  const auto it = lines_.find(id);
  return it != lines_.end() && it->second.ahead.empty() && !it->second.end;
}

std::optional<LogicalOrder::Event> LogicalOrder::take() {
  Line* first = nullptr;
  std::int64_t when = 0;
  for (const auto id : active_) {  // In order of trials: the first of equal times wins.
    auto& line = lines_.at(id);
    // Nothing known yet: its next report has at least the next step.
    const std::int64_t t = line.base + (line.ahead.empty() ? line.cursor + 1 : line.ahead.begin()->first);
    if (!first || t < when) first = &line, when = t;
  }
  if (!first) return std::nullopt;
  if (!first->ahead.empty()) {
    auto node = first->ahead.extract(first->ahead.begin());
    first->cursor = node.key();
    tick_ = when;
    return Event{std::move(node.mapped())};
  }
  if (!first->end) return std::nullopt;
  tick_ = when;
  return Event{*first->end};
}

}  // namespace tune
