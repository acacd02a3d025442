// SPDX-License-Identifier: Apache-2.0
#include "schedulers/freeze_thaw.hpp"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cmath>

#include "tuner/rng.hpp"

namespace tune {
namespace {

std::string about(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 3).ptr};
}

}  // namespace

FreezeThaw::FreezeThaw(const Spec& spec, const FreezeThawOptions& options)
    : options_(options), name_(spec.scheduler.type), seed_(spec.seed), model_(options.max_step) {}

// --- what happened -----------------------------------------------------------------------------------------------------

FreezeThaw::Course& FreezeThaw::course(TrialId id) {
  const auto i = static_cast<std::size_t>(id.value);
  if (courses_.size() <= i) courses_.resize(i + 1);
  return courses_[i];
}

void FreezeThaw::learn(const History& history, const Record& r) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return;
  const Trial& t = history.trial(*id);
  Course& c = course(*id);
  if (r.as<Reported>())
    reported(history, t, c, r);
  else
    decided(t, c, r);
  index(t, c);
}

void FreezeThaw::reported(const History& history, const Trial& t, Course& c, const Record& r) {
  const auto& report = *r.as<Reported>();
  const double score = history.score(report.metrics).value_or(INFINITY);
  c.step = report.step;
  c.feasible = t.feasible;
  if (std::isfinite(score)) {
    if (t.feasible) c.best = std::min(c.best, score), best_ = std::min(best_, score);
    if (!c.learned) c.points.add({report.step, score});
  }
  if (c.phase == Phase::going && report.step >= std::min(t.until_step, options_.max_step)) {
    c.phase = Phase::ready, c.ready_at = r.seq;
    if (report.step >= options_.max_step && std::isfinite(score)) whole(c, score);
    if (model_.learned() > 0 && !c.learned) c.outlook = model_.outlook(c.points.all());
  }
}

void FreezeThaw::whole(Course& c, double end) {
  if (c.learned) return;
  c.learned = true;
  model_.learn(c.points.all(), end);
  c.outlook = model_.outlook(c.points.all());
  c.points = {};
  const auto n = static_cast<std::uint64_t>(model_.learned());
  if (!std::has_single_bit(n) && model_.learned() != options_.min_trials) return;
  for (Course& other : courses_)
    if (!other.points.all().empty()) other.outlook = model_.outlook(other.points.all());
}

void FreezeThaw::decided(const Trial& t, Course& c, const Record& r) {
  const bool farther = t.until_step > t.last_step;
  if (r.as<Launch>() || r.as<Extend>()) {
    ++decisions_;
    c.parked = false;
    if (c.phase == Phase::unknown) c.phase = Phase::going, ++begun_;
    if (c.phase == Phase::ready && farther) c.phase = Phase::going;
  } else if (r.as<Pause>()) {
    c.parked = r.decided()->reason.by != name_;
  } else if (r.as<Stop>()) {
    c.phase = Phase::over;
  } else if (r.as<Retry>() && c.phase == Phase::over) {
    c.phase = farther ? Phase::going : Phase::ready;
    c.ready_at = r.seq;
  } else if (r.as<Settle>() && t.state == TrialState::complete && !c.points.all().empty()) {
    whole(c, c.points.all().back().score);
  }
  if (is_final(t.state)) c.phase = Phase::over;
}

void FreezeThaw::index(const Trial& t, Course& c) {
  const bool waits = t.state == TrialState::paused && !c.parked && !t.held && c.phase != Phase::over && c.phase != Phase::unknown;
  const bool done = t.last_step >= options_.max_step;
  const bool in_line = waits && !done;
  const bool owed = c.phase == Phase::ready && !is_final(t.state) && t.asked == Asked::nothing && !c.parked && !in_line;
  if (in_line != c.in_line) in_line ? static_cast<void>(line_.insert(t.id)) : static_cast<void>(line_.erase(t.id));
  if (c.owed) std::erase_if(owed_, [&](const auto& o) { return o.second == t.id; });
  if (owed) owed_.insert({c.ready_at, t.id});
  c.in_line = in_line, c.owed = owed;
}

// --- who has the best claim ----------------------------------------------------------------------------------------------

FreezeThaw::Measure FreezeThaw::measure() const {
  Rng rng{seed_, Purpose::curve, decisions_};
  const auto ahead = 1 + static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(options_.max_step)));
  return {ahead, best_ - std::pow(10, -4 + 3 * rng.uniform()) * model_.scale()};
}

double FreezeThaw::claim(const Course& c, const Measure& m) const {
  if (!c.feasible) return 0;
  const auto step = std::min(c.step + m.ahead, options_.max_step);
  return c.outlook.chance(static_cast<double>(step) / static_cast<double>(options_.max_step), m.mark);
}

FreezeThaw::Claim FreezeThaw::best_of_others(const History& history, const Measure& m) const {
  std::optional<Claim> best;
  for (const TrialId id : line_) {
    const Course& c = course(id);
    if (!history.may_start() && is_hopeless(c)) continue;
    const double chance = claim(c, m);
    if (!best || chance > best->chance) best = {id, chance};
  }
  if (history.may_start()) {
    double sum = 1;
    const double share = static_cast<double>(m.ahead) / static_cast<double>(options_.max_step);
    for (const Course& c : courses_)
      if (c.feasible) sum += c.outlook.chance(share, m.mark);
    const double fresh = sum / static_cast<double>(1 + begun_);
    if (!best || fresh >= best->chance) best = {std::nullopt, fresh};
  }
  return best.value_or(Claim{std::nullopt, -1});
}

std::string FreezeThaw::told(const Measure& m, const History& history) const {
  return "to be better than " + about(history.value(m.mark)) + " within " + std::to_string(m.ahead) + " steps";
}

// --- what now ----------------------------------------------------------------------------------------------------------

std::optional<Scheduler::Verdict> FreezeThaw::verdict(const History& history) const {
  if (owed_.empty()) return std::nullopt;
  const TrialId id = owed_.begin()->second;
  const Course& c = course(id);
  const Trial& t = history.trial(id);
  if (t.last_step >= options_.max_step)
    return Verdict{Stop{id, t.attempt, TrialState::complete, {}}, "did all " + std::to_string(options_.max_step) + " steps", {}};
  const auto go_on = [&](std::string why) { return Verdict{Extend{id, next_goal(t.last_step), {}}, std::move(why), {}}; };
  if (!knows()) return go_on("too few trials have gone to their end to compare claims");
  if (!history.may_start() && is_hopeless(c))
    return Verdict{Stop{id, t.attempt, TrialState::stopped, {}},
                   "a chance of " + about(c.outlook.chance(1, best_)) + " to be better than " + about(history.value(best_)) + " at step " +
                       std::to_string(options_.max_step) + ", and nothing new may begin",
                   {}};
  const Measure m = measure();
  const double own = claim(c, m);
  const Claim other = best_of_others(history, m);
  const std::string chances = "a chance of " + about(own) + " " + told(m, history);
  if (other.chance <= own) return go_on(chances + ", and nobody has a greater one");
  const std::string who = other.trial ? "trial " + std::to_string(other.trial->value) : "a new one";
  return Verdict{Pause{id, t.attempt, {}}, chances + ", and " + who + " has " + about(other.chance), {}};
}

std::optional<Scheduler::Plan> FreezeThaw::plan(const History& history) const {
  const auto resume = [&](TrialId id, std::string why) {
    return Resume{id, next_goal(history.trial(id).last_step), {}, std::move(why), {}};
  };
  if (!knows()) {
    if (!line_.empty()) return resume(*line_.begin(), "too few trials have gone to their end to compare claims");
    return Start{next_goal(0), "a slot is free", {}};
  }
  const Measure m = measure();
  const Claim best = best_of_others(history, m);
  const std::string why = "of all the greatest chance, " + about(best.chance) + ", " + told(m, history);
  if (best.trial) return resume(*best.trial, why);
  return Start{next_goal(0), why, {}};
}

SchedulerEntry freeze_thaw() {
  using Kind = Option::Kind;
  return {{"freeze_thaw",
           "Pauses and resumes trials by how likely their learning curves are to improve on the best value.",
           {{"max_step", Kind::integer, "", "Needed. A trial that gets here is complete.", 2, 1e15},
            {"interval", Kind::integer, "", "Steps between two looks at a trial. Default: a tenth of `max_step`.", 1, 1e15},
            {"chance", Kind::number, "0.01", "At the end, trials with less chance to become the best do not go on.", 0, 0.5},
            {"min_trials", Kind::integer, "3", "Until so many trials have gone to their end, nobody is paused.", 2, 1e9}}},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto wrong = [](std::string message, std::string hint) { return Error{Error::Code::invalid, std::move(message), std::move(hint)}; };
            const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(*to_number(*c.options.find(name))); };
            if (!c.spec.checkpoint) return wrong("freeze_thaw pauses and resumes trials, so they must be able to save", "add \"checkpoint\": {}");
            if (c.spec.logical_order)
              return wrong("freeze_thaw goes by who is paused when a slot is free, which the logical order does not know", "leave `order` out");
            if (!c.options.contains("max_step"))
              return wrong("scheduler.max_step is needed: a claim is about the steps that are left", "\"max_step\": 100");
            FreezeThawOptions o;
            o.max_step = whole("max_step");
            o.interval = c.options.contains("interval") ? whole("interval") : std::max<std::int64_t>(1, o.max_step / 10);
            if (o.interval >= o.max_step) return wrong("scheduler.interval: must be less than max_step, which is " + std::to_string(o.max_step), "");
            o.chance = *to_number(*c.options.find("chance"));
            o.min_trials = whole("min_trials");
            return std::unique_ptr<Scheduler>(std::make_unique<FreezeThaw>(c.spec, o));
          }};
}

}  // namespace tune
