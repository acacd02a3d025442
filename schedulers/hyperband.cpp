// SPDX-License-Identifier: Apache-2.0
#include "schedulers/hyperband.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "schedulers/asha.hpp"

namespace tune {
namespace detail {
namespace {

constexpr double kRounding = 1e-9;  // Keeps 81 / 3^4 and its kind whole.

}  // namespace

HyperbandBrackets::HyperbandBrackets(const HyperbandOptions& o) : eta_(o.eta) {
  const double top = static_cast<double>(o.max_step);
  const double ratio = top / static_cast<double>(o.min_step);
  const int s_max = static_cast<int>(std::floor(std::log(ratio) / std::log(eta_) + kRounding));
  for (int s = s_max; s >= 0; --s) steps_.push_back(std::max<std::int64_t>(1, std::llround(top * std::pow(eta_, -s))));
}

std::int64_t HyperbandBrackets::size(int bracket) const {
  const int s = kinds() - 1 - lowest_rung(bracket);
  return static_cast<std::int64_t>(std::ceil(kinds() / (s + 1.0) * std::pow(eta_, s) - kRounding));
}

std::int64_t HyperbandBrackets::quota(std::int64_t members, int rung) const {
  const double share = static_cast<double>(members) * std::pow(eta_, -(rung + 1));
  return std::max<std::int64_t>(1, static_cast<std::int64_t>(share + kRounding));
}

}  // namespace detail

Hyperband::Hyperband(const Spec& spec, const HyperbandOptions& options)
    : shapes_(options), ladder_(spec.logical_order) {
  for (int kind = 0; kind < shapes_.kinds(); ++kind) sizes_.push_back(shapes_.size(kind));
  open_bracket();
}

void Hyperband::open_bracket() {
  std::vector<detail::Level> levels;
  const auto& steps = shapes_.steps();
  // Quotas are the bracket's; the level only keeps the ranking.
  for (auto k = static_cast<std::size_t>(shapes_.lowest_rung(newest() + 1)); k < steps.size(); ++k)
    levels.emplace_back(steps[k], std::numeric_limits<double>::infinity(), 0);
  ladder_.add(std::move(levels));
  begun_ = 0;
}

void Hyperband::learn(const History& history, const Record& r) {
  const auto change = ladder_.learn(history, r, newest());
  if (!change.any) return;
  const int b = ladder_.at(change.trial).bracket;
  if (change.began && ++begun_ == members(b, true)) open_bracket();
  const auto file = [b](std::set<int>& brackets, bool in) {
    if (in)
      brackets.insert(b);
    else
      brackets.erase(b);
  };
  file(promoting_, surely_in(b, true).has_value());
  file(dropping_, surely_out(b, true).has_value());
}

// --- who goes on -------------------------------------------------------------------------------------------------------

// `filling`: the newest bracket will get all its members; else those that began are all.
std::int64_t Hyperband::members(int bracket, bool filling) const {
  if (bracket == newest() && !filling) return begun_;
  return sizes_[static_cast<std::size_t>(shapes_.lowest_rung(bracket))];
}

std::int64_t Hyperband::quota(int bracket, int rung, bool filling) const {
  return shapes_.quota(members(bracket, filling), rung);
}

// How many may still be recorded at the rung.
std::int64_t Hyperband::to_come(int bracket, int rung, bool filling) const {
  std::int64_t more = bracket == newest() ? members(bracket, filling) - begun_ : 0;
  for (int k = 0;; ++k) {
    const detail::Level& level = ladder_.level(bracket, k);
    more += level.coming();
    if (k == rung) return more;
    more = std::min(more + level.here(), std::max<std::int64_t>(0, quota(bracket, k, filling) - level.sent()));
  }
}

// The furthest of those that wait in the bracket who is certain to be among the best of its rung.
std::optional<Hyperband::Place> Hyperband::surely_in(int bracket, bool filling) const {
  for (int k = ladder_.rungs(bracket) - 1; k-- > 0;) {
    const detail::Level& level = ladder_.level(bracket, k);
    const auto best = level.first_waiting();
    if (best && level.rank(*best) + to_come(bracket, k, filling) <= quota(bracket, k, filling))
      return Place{bracket, k, *best};
  }
  return std::nullopt;
}

// One of those that wait in the bracket who is certain not to be.
std::optional<Hyperband::Place> Hyperband::surely_out(int bracket, bool filling) const {
  for (int k = 0; k + 1 < ladder_.rungs(bracket); ++k) {
    const detail::Level& level = ladder_.level(bracket, k);
    const auto worst = level.last_waiting();
    if (worst && level.rank(*worst) > quota(bracket, k, filling)) return Place{bracket, k, *worst};
  }
  return std::nullopt;
}

// The oldest bracket first. While the newest one is cut short, what holds there differs from what was filed.
std::optional<Hyperband::Place> Hyperband::first(const std::set<int>& brackets, bool in, bool filling) const {
  const auto look = [&](int b) { return in ? surely_in(b, filling) : surely_out(b, filling); };
  for (const int b : brackets)
    if (auto place = look(b)) return place;
  return filling ? std::nullopt : look(newest());
}

Rung Hyperband::crossing(const Place& p, const History& history) const {
  const auto most = quota(p.bracket, p.rung, history.may_start());
  return ladder_.level(p.bracket, p.rung).crossing(p.entry, p.bracket, p.rung, most, history);
}

std::string Hyperband::told(const Rung& r, bool filling) const {
  return "bracket " + std::to_string(r.bracket) + ", " +
         detail::sentence(r, quota(r.bracket, r.rung, filling), to_come(r.bracket, r.rung, filling));
}

// --- what now ----------------------------------------------------------------------------------------------------------

std::optional<Scheduler::Verdict> Hyperband::verdict(const History& history) const {
  const bool filling = history.may_start();
  if (const auto due = ladder_.due()) {
    const TrialId id = *due;
    const auto& c = ladder_.at(id);
    const int attempt = history.trial(id).attempt;
    Rung rung = crossing({c.bracket, c.rung, ladder_.entry(id)}, history);
    if (c.phase == detail::Ladder::Phase::admitted)
      return Verdict{Extend{id, ladder_.next_step(c), rung}, "resumed by a person", {}};
    if (ladder_.is_top(c)) {
      rung.cut = std::nan("");
      return Verdict{Stop{id, attempt, TrialState::complete, rung},
                     "did all " + std::to_string(rung.step) + " steps",
                     {}};
    }
    const auto most = quota(c.bracket, c.rung, filling);
    std::string why = told(rung, filling);
    if (rung.rank > most) return Verdict{Stop{id, attempt, TrialState::stopped, rung}, std::move(why), {}};
    if (rung.rank + to_come(c.bracket, c.rung, filling) <= most)
      return Verdict{Extend{id, ladder_.next_step(c), rung}, std::move(why), {}};
    return Verdict{Pause{id, attempt, rung}, std::move(why), {}};
  }
  if (const auto out = first(dropping_, false, filling)) {
    const TrialId id = out->entry.trial;  // Its crossing was answered by the pause.
    return Verdict{Stop{id, history.trial(id).attempt, TrialState::stopped, {}}, told(crossing(*out, history), filling), {}};
  }
  return std::nullopt;
}

std::optional<Scheduler::Plan> Hyperband::plan(const History& history) const {
  const bool filling = history.may_start();
  if (const auto in = first(promoting_, true, filling)) {
    const Rung rung = crossing(*in, history);
    const auto step = ladder_.next_step(ladder_.at(in->entry.trial));
    return Resume{in->entry.trial, step, rung, told(rung, filling), {}};
  }
  return Start{ladder_.level(newest(), 0).step(), "a slot is free: bracket " + std::to_string(newest()), {}};
}

// --- by name -----------------------------------------------------------------------------------------------------------

namespace {

Result<std::unique_ptr<Scheduler>> make(const SchedulerContext& c) {
  const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(*to_number(*c.options.find(name))); };
  if (!c.options.contains("max_step"))
    return Error{Error::Code::invalid, "scheduler.max_step is needed: brackets share out the steps of a whole trial",
                 "\"max_step\": 81 if a trial has so many steps"};
  const HyperbandOptions o{whole("min_step"), whole("max_step"), *to_number(*c.options.find("eta"))};
  if (o.max_step <= o.min_step)
    return Error{Error::Code::invalid,
                 "scheduler.max_step must be greater than min_step, which is " + std::to_string(o.min_step) +
                     ": with one rung there is nothing to halve",
                 "scheduler fifo runs every trial to its end"};
  const auto steps = detail::HyperbandBrackets{o}.steps();
  if (const auto twice = std::adjacent_find(steps.begin(), steps.end()); twice != steps.end())
    return Error{Error::Code::invalid,
                 "scheduler.eta: two rungs would stand at step " + std::to_string(*twice) +
                     ", because rungs are a factor of eta apart and steps are whole",
                 "a larger eta, or a larger min_step"};
  const auto* mode = c.options.find("mode");
  const bool saves = c.spec.checkpoint.has_value();
  const bool sync = mode ? std::get<std::string>(*mode) == "sync" : saves;
  if (sync) return std::unique_ptr<Scheduler>(std::make_unique<Hyperband>(c.spec, o));
  const AshaOptions asha{saves, o.min_step, o.max_step, o.eta, static_cast<int>(steps.size())};
  return std::unique_ptr<Scheduler>(std::make_unique<Asha>(c.spec, asha, steps));
}

}  // namespace

SchedulerEntry hyperband() {
  using Kind = Option::Kind;
  return {{"hyperband",
           "Halves in several brackets, from many trials with few steps to few with all: for early values that may mislead.",
           {{"mode",
             Kind::text,
             "",
             "sync: a rung waits for all its trials, paused, and the best go on. async: each is judged by those before "
             "it. Default: sync if the config has `checkpoint`.",
             0,
             0,
             {"sync", "async"}},
            {"min_step", Kind::integer, "1", "No rung lies below this step.", 1, 1e15},
            {"max_step", Kind::integer, "", "Needed. A trial that gets here is complete.", 1, 1e15},
            {"eta", Kind::number, "3", "One in eta goes on; rungs are this factor apart.", 1.1, 1000}}},
          make};
}

}  // namespace tune
