// SPDX-License-Identifier: Apache-2.0
#include "search/trials.hpp"

#include <algorithm>
#include <bit>
#include <cmath>

namespace tune {
namespace {

using State = Observed::State;

bool is_finished(State s) { return s != State::pending && s != State::dropped; }

State state_of(TrialState s) {
  switch (s) {
    case TrialState::complete: return State::complete;
    case TrialState::paused:
    case TrialState::stopped: return State::partial;
    case TrialState::infeasible: return State::infeasible;
    case TrialState::failed: return State::failed;
    case TrialState::cancelled: return State::dropped;
    default: return State::pending;
  }
}

std::uint64_t hash(const Point& p) {
  std::uint64_t h = 0x9e3779b97f4a7c15ull;
  const auto mix = [&](std::uint64_t x) {
    h = (h ^ x) * 0xbf58476d1ce4e5b9ull;
    h ^= h >> 31;
  };
  for (std::size_t i = 0; i < p.size(); ++i) mix(p.active[i] ? std::bit_cast<std::uint64_t>(p.at[i]) : ~std::uint64_t{0});
  return h;
}

}  // namespace

double Observed::violation() const {
  if (state == State::failed || state == State::infeasible) return 1;
  if (feasible) return 0;
  double sum = 0;
  for (const double m : margins) sum += m > 0 ? m : 0;
  return sum > 0 ? sum : 1;
}

Trials::Trials(const Axes& axes, std::vector<Objective> objectives, std::vector<OutcomeConstraint> constraints)
    : axes_(&axes), objectives_(std::move(objectives)), constraints_(std::move(constraints)) {}

const Observed* Trials::find(TrialId t) const {
  const auto i = static_cast<std::size_t>(t.value);
  return t.value >= 0 && i < index_.size() && index_[i] >= 0 ? &all_[static_cast<std::size_t>(index_[i])] : nullptr;
}

Observed* Trials::at(TrialId t) { return const_cast<Observed*>(find(t)); }

double Trials::score(std::size_t objective, double as_reported) const {
  if (!std::isfinite(as_reported)) return HUGE_VAL;
  return objectives_[objective].maximize ? -as_reported : as_reported;
}

const Observed* Trials::learn(const Record& r) {
  if (const auto* reported = r.as<Reported>()) return report(*reported);
  if (const auto* p = r.as<Propose>()) {
    logical_ = logical_ || p->until_step != 0;
    add(p->trial, p->params);
    return find(p->trial);
  }
  if (const auto* s = r.as<Settle>()) return settle(*s);
  if (const auto* i = r.as<Imported>()) return import(*i);
  if (const auto* exited = r.as<Exited>())
    if (Observed* o = at(exited->trial)) o->seconds += exited->usage.seconds;
  if (const auto* e = r.as<Extend>()) {
    judge(e->trial, e->rung);
    if (Observed* o = at(e->trial); o && o->state == State::partial) set_state(*o, State::pending);
  }
  if (const auto* l = r.as<Launch>()) {
    judge(l->trial, l->rung);
    if (Observed* o = at(l->trial); o && !logical_) set_state(*o, State::pending);
  }
  if (const auto* s = r.as<Stop>()) judge(s->trial, s->rung);
  if (const auto* p = r.as<Pause>()) {
    judge(p->trial, p->rung);
    if (Observed* o = at(p->trial)) {
      set_state(*o, State::partial);
      return o;
    }
  }
  // What follows is another trial's course under other parameters: these ones have shown what they are worth.
  if (const auto* e = r.as<Exploit>()) {
    Observed* o = at(e->trial);
    if (!o) return nullptr;
    set_state(*o, State::partial);
    index_[static_cast<std::size_t>(e->trial.value)] = -1;
    return o;
  }
  if (const auto* retry = r.as<Retry>(); retry && !logical_)
    if (Observed* o = at(retry->trial)) set_state(*o, State::pending);
  return nullptr;
}

void Trials::add(TrialId trial, const Params& params) {
  ++proposed_;
  const auto i = static_cast<std::size_t>(trial.value);
  if (i >= index_.size()) index_.resize(i + 1, -1);
  auto point = axes_->encode(params);
  if (!point) return;
  known_.insert(hash(*point));
  index_[i] = static_cast<std::ptrdiff_t>(all_.size());
  Observed o;
  o.trial = trial;
  o.point = std::move(*point);
  all_.push_back(std::move(o));
  ++pending_;
}

const Observed* Trials::import(const Imported& from) {
  for (const auto& t : from.trials) {
    auto point = axes_->encode(t.params);
    if (!point) continue;
    known_.insert(hash(*point));
    Observed o;
    o.trial = TrialId{-1 - static_cast<std::int64_t>(imported_++)};
    o.point = std::move(*point);
    for (std::size_t k = 0; k < t.values.size() && k < objectives_.size(); ++k) o.values.push_back(score(k, t.values[k]));
    all_.push_back(std::move(o));
    ++pending_;
    set_state(all_.back(), state_of(t.state));
  }
  return nullptr;
}

// Reports of an experiment nearly always share their list of names.
void Trials::find_places(const Metrics& m) {
  if (m.names == names_) return;
  names_ = m.names;
  places_.clear();
  const auto place = [&](const std::string& name) {
    if (!names_) return -1;
    const auto it = std::find(names_->begin(), names_->end(), name);
    return it == names_->end() ? -1 : static_cast<int>(it - names_->begin());
  };
  for (const auto& o : objectives_) places_.push_back(place(o.metric));
  for (const auto& c : constraints_) places_.push_back(place(c.metric));
}

const Observed* Trials::report(const Reported& r) {
  Observed* o = at(r.trial);
  if (!o) return nullptr;
  if (r.cost) o->told.tell(r.attempt, *r.cost);
  find_places(r.metrics);
  const auto value = [&](std::size_t k) { return places_[k] < 0 ? std::nan("") : r.metrics.values[static_cast<std::size_t>(places_[k])]; };
  if (places_.front() >= 0) {
    o->values.resize(objectives_.size());
    for (std::size_t k = 0; k < objectives_.size(); ++k) o->values[k] = score(k, value(k));
    o->step = r.step;
  }
  if (constraints_.empty() && r.constraints.empty()) return nullptr;
  o->margins.resize(constraints_.size() + r.constraints.size(), std::nan(""));
  for (std::size_t k = 0; k < constraints_.size(); ++k) {
    const double v = value(objectives_.size() + k);
    if (places_[objectives_.size() + k] < 0) continue;
    const auto& c = constraints_[k];
    double margin = -HUGE_VAL;
    if (c.max) margin = std::max(margin, v - *c.max);
    if (c.min) margin = std::max(margin, *c.min - v);
    o->margins[k] = std::isnan(v) ? HUGE_VAL : margin;
  }
  std::copy(r.constraints.begin(), r.constraints.end(), o->margins.begin() + static_cast<std::ptrdiff_t>(constraints_.size()));
  o->feasible = std::none_of(o->margins.begin(), o->margins.end(), [](double m) { return m > 0; });
  return nullptr;
}

const Observed* Trials::settle(const Settle& s) {
  Observed* o = at(s.trial);
  if (!o) return nullptr;
  if (!s.values.empty()) {
    o->values.clear();
    for (std::size_t k = 0; k < objectives_.size(); ++k) o->values.push_back(score(k, k < s.values.size() ? s.values[k] : HUGE_VAL));
    o->step = s.at_step;
  }
  o->feasible = s.feasible;
  set_state(*o, state_of(s.state));
  return o;
}

void Trials::judge(TrialId t, const std::optional<Rung>& rung) {
  Observed* o = at(t);
  if (o && rung && (o->rungs.empty() || o->rungs.back().first < rung->step))
    o->rungs.emplace_back(rung->step, score(0, rung->value));
}

void Trials::set_state(Observed& o, State s) {
  const auto count = [&](State state, std::size_t by) {
    if (state == State::pending) pending_ += by;
    if (is_finished(state)) finished_ += by;
    if (state == State::partial) partial_ += by;
    if (state == State::failed || state == State::infeasible) failures_ += by;
  };
  count(o.state, std::size_t(-1));
  count(s, 1);
  o.state = s;
  const auto i = static_cast<std::size_t>(&o - all_.data());
  if (o.counts() && (!best_ || o.values.front() < all_[*best_].values.front())) best_ = i;
  if (best_ != i || o.counts()) return;
  best_.reset();  // It goes on from a pause, or is tried again: rare.
  for (std::size_t k = 0; k < all_.size(); ++k)
    if (all_[k].counts() && (!best_ || all_[k].values.front() < all_[*best_].values.front())) best_ = k;
}

std::vector<std::size_t> Trials::ranked() const {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < all_.size(); ++i)
    if (all_[i].finished()) order.push_back(i);
  const auto group = [](const Observed& o) {
    if (!o.has_value() && o.violation() == 0) return 3;
    if (o.violation() > 0) return 2;
    return o.state == State::complete ? 0 : 1;
  };
  std::sort(order.begin(), order.end(), [&](std::size_t x, std::size_t y) {
    const Observed &a = all_[x], &b = all_[y];
    const int ga = group(a), gb = group(b);
    if (ga != gb) return ga < gb;
    if (ga == 1 && a.step != b.step) return a.step > b.step;
    const double va = ga == 2 ? a.violation() : ga == 3 ? 0 : a.values.front();
    const double vb = gb == 2 ? b.violation() : gb == 3 ? 0 : b.values.front();
    return va != vb ? va < vb : x > y;
  });
  return order;
}

bool Trials::contains(const Point& snapped) const { return known_.contains(hash(snapped)); }

}  // namespace tune
