// SPDX-License-Identifier: Apache-2.0
#include "tuner/repeats.hpp"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tuner/result.hpp"

namespace tune {
namespace {

// Sequential halving over so many seeds: all candidates get the first number, the better half the second.
constexpr std::size_t kFirstSeeds = 3, kLastSeeds = 5;

std::string number(TrialId t) { return std::to_string(t.value); }

std::string short_text(double v) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", v);
  return text;
}

bool is_repeat(const Trial& t) { return t.replicate_of.has_value(); }
// It ran to an end that says something; the others were cut short by a person or by the end of the experiment.
bool counts(const Trial& t) {
  return t.state == TrialState::complete || t.state == TrialState::failed || t.state == TrialState::infeasible;
}

double reduced(std::vector<double> all, Replicates::Reduce how, bool maximize) {
  std::sort(all.begin(), all.end(), [](double a, double b) { return std::isnan(b) ? !std::isnan(a) : a < b; });
  const std::size_t n = all.size();
  if (std::isnan(all.back())) return all.back();
  switch (how) {
    case Replicates::Reduce::worst: return maximize ? all.front() : all.back();
    case Replicates::Reduce::median: return n % 2 ? all[n / 2] : all[n / 2 - 1] / 2 + all[n / 2] / 2;
    case Replicates::Reduce::mean: break;
  }
  double mean = 0;
  for (const double v : all) mean += v / static_cast<double>(n);
  return mean;
}

const char* word(Replicates::Reduce how) {
  return how == Replicates::Reduce::mean ? "mean" : how == Replicates::Reduce::median ? "median" : "worst";
}

}  // namespace

void Repeats::set_open(Group& g, bool open) {
  if (g.open == open) return;
  g.open = open;
  promised_ += open ? missing(g) : -missing(g);
}

void Repeats::drop(std::vector<TrialId>& from, TrialId t) { from.erase(std::remove(from.begin(), from.end(), t), from.end()); }

void Repeats::proposed(const Propose& p) {
  if (!p.replicate_of) {
    if (spec_.replicates.count > 1) set_open(groups_[p.trial], true);
    return;
  }
  if (p.source == "confirm") {
    ++reruns_;
    confirms_[*p.replicate_of].push_back(p.trial);
    return;
  }
  Group& g = groups_[*p.replicate_of];
  g.replicates.push_back(p.trial);
  if (g.open) --promised_;
  if (missing(g) <= 0) wanting_.erase(*p.replicate_of);
}

// A head that waits at a rung may never go on: its replicates are not promised meanwhile.
void Repeats::paused(TrialId t) {
  if (const auto g = groups_.find(t); g != groups_.end() && !g->second.own) set_open(g->second, false);
}

void Repeats::launched(TrialId t) {
  if (const auto g = groups_.find(t); g != groups_.end() && !g->second.own) set_open(g->second, true);
}

void Repeats::retried(TrialId id, const History& history) {
  const Trial& t = history.trial(id);
  if (const auto g = groups_.find(t.replicate_of.value_or(id)); g != groups_.end()) {
    g->second.reduced = false;
    if (is_repeat(t)) return;
    g->second.own.reset();
    wanting_.erase(id);
    set_open(g->second, true);
  }
}

Repeats::Meaning Repeats::settled(const Settle& s, const History& history) {
  const Trial& t = history.trial(s.trial);
  if (s.state == TrialState::complete && s.cause == Cause::stopped) steps_[s.trial] = s.at_step;
  if (t.replicate_of && confirms_.contains(*t.replicate_of)) {
    auto& runs = confirms_[*t.replicate_of];
    if (const bool ours = std::find(runs.begin(), runs.end(), t.id) != runs.end(); ours) {
      if (!counts(t)) drop(runs, t.id);
      if (confirmation_) next_round(history);
      return Meaning::repeat;
    }
  }
  const TrialId head = t.replicate_of.value_or(t.id);
  const auto found = groups_.find(head);
  if (found == groups_.end()) return is_repeat(t) ? Meaning::repeat : Meaning::result;
  Group& g = found->second;
  if (is_repeat(t)) {
    if (!counts(t)) {  // Another one takes its place, should the experiment go on.
      set_open(g, false);
      drop(g.replicates, t.id);
      set_open(g, true);
      if (g.own) wanting_.insert(head);
    }
    reduced_ = reduce(head, g, history);
    return Meaning::repeat;
  }
  if (g.own && !g.reduced && missing(g) <= 0) {
    g.reduced = true;
    set_open(g, false);
    return Meaning::result;
  }
  if (s.state != TrialState::complete || !s.feasible) {
    set_open(g, false);
    return Meaning::result;
  }
  g.own = s.values;
  if (missing(g) > 0) wanting_.insert(head);
  reduced_ = reduce(head, g, history);  // After a retry of the head the replicates are there already.
  return Meaning::interim;
}

std::optional<Repeats::Reduced> Repeats::reduce(TrialId head, const Group& g, const History& history) const {
  const auto over = [&](TrialId t) { return counts(history.trial(t)); };
  if (!g.own || missing(g) > 0 || !std::all_of(g.replicates.begin(), g.replicates.end(), over)) return std::nullopt;
  std::vector<std::vector<double>> runs{*g.own};
  std::optional<Cause> failure;
  std::size_t failed = 0;
  bool feasible = history.trial(head).feasible;
  for (const TrialId id : g.replicates) {
    const Trial& t = history.trial(id);
    if (t.state == TrialState::complete) {
      runs.push_back(t.values);
      feasible = feasible && t.feasible;
    } else {
      failure = failure.value_or(t.cause);
      ++failed;
    }
  }
  Settle s{head, TrialState::complete, Cause::done, {}, feasible, history.trial(head).last_step};
  const bool lost = failed > 0 && (spec_.replicates.reduce == Replicates::Reduce::worst || failed > runs.size());
  if (lost) {
    s.state = TrialState::failed, s.cause = *failure, s.values = *g.own;
    return Reduced{std::move(s), std::to_string(failed) + " of " + std::to_string(failed + runs.size()) + " replicates failed"};
  }
  for (std::size_t o = 0; o < spec_.objectives.size(); ++o) {
    std::vector<double> all;
    for (const auto& run : runs) all.push_back(o < run.size() ? run[o] : NAN);
    s.values.push_back(reduced(std::move(all), spec_.replicates.reduce, spec_.objectives[o].maximize));
  }
  std::string why = std::string{word(spec_.replicates.reduce)} + " of " + std::to_string(runs.size()) + " trials:";
  for (std::size_t i = 0; i < runs.size(); ++i) why += (i ? ", " : " ") + (runs[i].empty() ? "?" : short_text(runs[i].front()));
  if (failed > 0) why += "; " + std::to_string(failed) + " failed";
  return Reduced{std::move(s), std::move(why)};
}

// --- confirmation -----------------------------------------------------------------------------------------------------

void Repeats::confirm(std::int64_t count, const History& history) {
  std::vector<TrialId> all;
  for (const Trial& t : history.trials()) {
    const auto g = groups_.find(t.id);
    if (t.state == TrialState::complete && t.feasible && !is_repeat(t) && !t.values.empty() && std::isfinite(t.values.front()) &&
        (g == groups_.end() || g->second.reduced))
      all.push_back(t.id);
  }
  const auto score = [&](TrialId t) { return history.score(history.trial(t).values.front()); };
  std::stable_sort(all.begin(), all.end(), [&](TrialId a, TrialId b) { return score(a) < score(b); });
  if (static_cast<std::int64_t>(all.size()) > count) all.resize(static_cast<std::size_t>(count));
  confirmation_ = Confirmation{std::move(all), kFirstSeeds, false};
  next_round(history);
}

void Repeats::finished() { confirmation_.reset(); }

Repeats::Mean Repeats::mean_of(TrialId candidate, const History& history) const {
  Mean m;
  const auto runs = confirms_.find(candidate);
  if (runs == confirms_.end()) return m;
  std::vector<double> values;
  for (const TrialId id : runs->second) {
    const Trial& t = history.trial(id);
    if (t.state == TrialState::complete && !t.values.empty() && std::isfinite(t.values.front()))
      values.push_back(t.values.front());
    else if (counts(t))
      ++m.failed;
  }
  m.runs = values.size();
  for (const double v : values) m.mean += v / static_cast<double>(m.runs);
  for (const double v : values) m.error += (v - m.mean) * (v - m.mean);
  m.error = m.runs > 1 ? std::sqrt(m.error / static_cast<double>(m.runs - 1) / static_cast<double>(m.runs)) : 0;
  return m;
}

// A candidate that failed now and then stands behind those that never did.
bool Repeats::better(TrialId a, TrialId b, const History& history) const {
  const Mean x = mean_of(a, history), y = mean_of(b, history);
  if (x.failed != y.failed) return x.failed < y.failed;
  if ((x.runs > 0) != (y.runs > 0)) return x.runs > 0;
  return x.runs > 0 && history.score(x.mean) < history.score(y.mean);
}

void Repeats::next_round(const History& history) {
  Confirmation& c = *confirmation_;
  const auto over = [&](TrialId id) {
    const auto runs = confirms_.find(id);
    return runs != confirms_.end() && runs->second.size() >= c.seeds &&
           std::all_of(runs->second.begin(), runs->second.end(), [&](TrialId t) { return counts(history.trial(t)); });
  };
  while (!c.last && std::all_of(c.candidates.begin(), c.candidates.end(), over)) {
    std::stable_sort(c.candidates.begin(), c.candidates.end(), [&](TrialId a, TrialId b) { return better(a, b, history); });
    c.candidates.resize((c.candidates.size() + 1) / 2);
    c.seeds = kLastSeeds;
    c.last = true;
  }
}

std::optional<Repeats::Confirmed> Repeats::confirmed(const History& history) const {
  if (!confirmation_ || !confirmation_->last) return std::nullopt;
  const auto& c = *confirmation_;
  for (const TrialId id : c.candidates) {
    const auto& runs = confirms_.at(id);
    if (runs.size() < c.seeds || !std::all_of(runs.begin(), runs.end(), [&](TrialId t) { return counts(history.trial(t)); }))
      return std::nullopt;
  }
  const TrialId best = *std::min_element(c.candidates.begin(), c.candidates.end(), [&](TrialId a, TrialId b) { return better(a, b, history); });
  const Mean m = mean_of(best, history);
  if (m.runs == 0) return Confirmed{best, NAN, "none of the candidates could be run again"};
  return Confirmed{best, m.mean,
                   "confirmed trial " + number(best) + ": " + short_text(m.mean) + " ± " + short_text(m.error) + " over " +
                       std::to_string(m.runs) + " seeds"};
}

std::int64_t Repeats::steps_of(TrialId t) const {
  const auto steps = steps_.find(t);
  return steps == steps_.end() ? kNoStep : steps->second;
}

// --- questions --------------------------------------------------------------------------------------------------------

std::optional<Repeats::Next> Repeats::next(const History& history) const {
  if (confirmation_) {
    const auto runs = [&](TrialId id) {
      const auto it = confirms_.find(id);
      return it == confirms_.end() ? std::size_t{0} : it->second.size();
    };
    const auto& all = confirmation_->candidates;
    const auto fewest = std::min_element(all.begin(), all.end(), [&](TrialId a, TrialId b) { return runs(a) < runs(b); });
    if (fewest == all.end() || runs(*fewest) >= confirmation_->seeds) return std::nullopt;
    return Next{*fewest, "confirm", "seed " + std::to_string(runs(*fewest) + 1) + " of " + std::to_string(confirmation_->seeds) +
                                        " to confirm trial " + number(*fewest)};
  }
  if (wanting_.empty() || history.finishing()) return std::nullopt;
  const TrialId head = *wanting_.begin();
  const auto done = static_cast<std::int64_t>(groups_.at(head).replicates.size());
  return Next{head, "replicate", "replicate " + std::to_string(done + 2) + " of " + std::to_string(spec_.replicates.count) +
                                     " of trial " + number(head)};
}

bool Repeats::hidden_from_scheduler(const Record& r, const Trial& t) const {
  if (is_repeat(t)) return true;
  const auto g = groups_.find(t.id);
  return g != groups_.end() && g->second.reduced && r.as<Settle>();
}

bool Repeats::hidden_from_sampler(const Record& r, const Trial& t) const {
  return is_repeat(t) || (r.as<Settle>() && is_interim(t.id));
}

bool Repeats::is_interim(TrialId t) const {
  const auto g = groups_.find(t);
  return g != groups_.end() && g->second.own && !g->second.reduced;
}

}  // namespace tune
