// SPDX-License-Identifier: Apache-2.0
#include "ui/api/measurements.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

namespace tune {

Measurements::Measurements(const Spec& spec) {
  for (const auto& o : spec.objectives) metrics_.push_back(o.metric);
  for (const auto& c : spec.outcome_constraints)
    if (std::find(metrics_.begin(), metrics_.end(), c.metric) == metrics_.end()) metrics_.push_back(c.metric);
}

Measurements::Measured* Measurements::find(TrialId id) {
  const auto i = static_cast<std::size_t>(id.value);
  return i < trials_.size() ? &trials_[i] : nullptr;
}

void Measurements::learn(const Record& r) {
  const double now = r.at.seconds;
  if (const auto* p = r.as<Propose>()) {
    trials_.emplace_back().params = p->params;
  } else if (const auto* l = r.as<Launch>()) {
    if (auto* t = find(l->trial)) {
      if (l->params) t->params = *l->params;
      t->attempt = l->attempt, t->attempt_reports = 0;
      t->launched = t->seen = now;
    }
  } else if (const auto* s = r.as<Started>()) {
    if (auto* t = find(s->trial); t && t->attempt == s->attempt) t->live = true, t->launched = t->seen = now;
  } else if (const auto* report = r.as<Reported>()) {
    auto* t = find(report->trial);
    if (!t || t->attempt != report->attempt || !t->live) return;
    ++t->attempt_reports;
    t->spent += now - t->seen;
    t->seen = now;
    if (!t->steps.empty() && report->step <= t->steps.back()) return;
    t->steps.push_back(report->step);
    t->until.push_back(t->spent);
    auto& values = t->values.emplace_back();
    for (const auto& name : metrics_)
      values.push_back(report->metrics.find(name).value_or(std::numeric_limits<double>::quiet_NaN()));
  } else if (const auto* e = r.as<Exited>()) {
    auto* t = find(e->trial);
    if (!t || t->attempt != e->attempt || !t->live) return;
    t->live = false;
    ++t->attempts;
    t->failures += is_failure(e->cause);
    if (e->cause == Cause::done) t->after_last = now - t->seen;
    t->spent += now - t->seen;
  } else if (const auto* settle = r.as<Settle>()) {
    if (auto* t = find(settle->trial)) {
      ended_ += !t->settled;
      t->settled = settle->state;
    }
  } else if (const auto* again = r.as<Retry>()) {
    if (auto* t = find(again->trial); t && t->settled) t->settled.reset(), --ended_;
  }
}

namespace {

RecordedTrial::End end_of(const Measurements::Measured& t) {
  if (t.settled == TrialState::complete) return RecordedTrial::End::by_itself;
  if (t.settled == TrialState::failed || t.settled == TrialState::infeasible) return RecordedTrial::End::failed;
  return RecordedTrial::End::cut;
}

}  // namespace

Recording Measurements::recording(const Space& into) const {
  Recording out;
  out.metrics = metrics_;
  std::set<std::string> known;
  for (const auto& t : trials_)
    for (const auto& [name, value] : t.params) known.insert(name);
  for (const auto& d : into.dimensions())
    if (d.kind != Dimension::Kind::constant && !known.contains(d.name)) out.unmatched.push_back(d.name);
  for (const auto& name : known)
    if (!into.find(name)) out.unmatched.push_back(name);
  for (const auto& t : trials_) {
    const auto end = end_of(t);
    if (t.steps.empty() && end != RecordedTrial::End::failed) continue;
    const bool inside = std::all_of(t.params.begin(), t.params.end(), [&](const Params::Entry& p) {
      const auto* d = into.find(p.first);
      return !d || d->kind == Dimension::Kind::constant || d->position(p.second);
    });
    if (inside)
      out.trials.push_back({recorded_position(into, t.params), t.steps, t.until, t.values, t.spent, end});
    else
      ++out.outside;
  }
  return out;
}

}  // namespace tune
