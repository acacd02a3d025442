// SPDX-License-Identifier: Apache-2.0
#include "schedulers/asha.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/json.hpp"
#include "tuner/rng.hpp"

namespace tune {

Asha::Asha(const Spec& spec, const AshaOptions& options)
    : Asha(spec, options,
           detail::rung_steps(static_cast<double>(options.min_step), options.eta, options.max_step)) {}

Asha::Asha(const Spec& spec, const AshaOptions& options, const std::vector<std::int64_t>& steps)
    : options_(options), seed_(spec.seed), ladder_(spec.logical_order) {
  if (options_.progressive) progression_.emplace();
  const std::int64_t at_least = options_.promote ? 0 : 1;
  const std::size_t brackets = std::min(static_cast<std::size_t>(options_.brackets), steps.size());
  double sum = 0;
  for (std::size_t b = 0; b < brackets; ++b) {
    std::vector<detail::Level> levels;
    for (std::size_t k = b; k < steps.size(); ++k) levels.emplace_back(steps[k], options_.eta, at_least);
    ladder_.add(std::move(levels));
    const double remaining = static_cast<double>(brackets - b);
    sum += std::pow(options_.eta, remaining - 1) * static_cast<double>(brackets) / remaining;
    shares_.push_back(sum);
  }
  next_bracket_ = bracket_of_start(0);
}

void Asha::learn(const History& history, const Record& r) {
  const auto change = ladder_.learn(history, r, next_bracket_);
  if (change.began) next_bracket_ = bracket_of_start(++starts_);
  if (progression_) progress(history, r, change);
}

void Asha::progress(const History& history, const Record& r, const detail::Ladder::Change& change) {
  if (const auto* report = r.as<Reported>()) {
    const Trial& t = history.trial(report->trial);
    progression_->reported(t.id, t.last_step, history.score(t.values.front()));
  }
  if (!change.recorded) return;
  const Climber& c = ladder_.at(change.trial);
  progression_->recorded(change.trial, c.rung, c.score);
}

std::optional<Scheduler::Verdict> Asha::verdict(const History& history) const {
  const auto due = ladder_.due();
  if (!due) return std::nullopt;
  const TrialId id = *due;
  const Climber& c = ladder_.at(id);
  const detail::Level& here = ladder_.level(c);
  const Entry entry = ladder_.entry(id);
  const Rung rung = here.crossing(entry, c.bracket, c.rung, here.quota(), history);
  const int attempt = history.trial(id).attempt;
  if (c.phase == detail::Ladder::Phase::admitted)
    return Verdict{Extend{id, ladder_.next_step(c), rung}, "resumed by a person", {}};
  if (ladder_.is_top(c)) {
    Rung last = rung;
    last.cut = std::nan("");
    return Verdict{
        Stop{id, attempt, TrialState::complete, last}, "did all " + std::to_string(here.step()) + " steps", {}};
  }
  std::string why = told(rung, here.quota());
  if (is_last_for_now(c.rung)) {
    const std::string epsilon = to_text(progression_->epsilon());
    return Verdict{Pause{id, attempt, rung},
                   why + "; the last rung for now, for it ranks as the one below does, within " + epsilon,
                   R"({"rungs":)" + std::to_string(progression_->rungs()) + R"(,"epsilon":)" + epsilon + "}"};
  }
  if (!here.goes_on(entry))
    return options_.promote ? Verdict{Pause{id, attempt, rung}, std::move(why), {}}
                            : Verdict{Stop{id, attempt, TrialState::stopped, rung}, std::move(why), {}};
  if (options_.promote && history.may_start() && !here.has_room())
    return Verdict{Pause{id, attempt, rung}, why + " once more were recorded here", {}};
  return Verdict{Extend{id, ladder_.next_step(c), rung}, std::move(why), {}};
}

std::optional<Scheduler::Plan> Asha::plan(const History& history) const {
  // The furthest first: a promotion near the top says more than one near the bottom.
  for (int b = 0; b < ladder_.brackets(); ++b)
    for (int k = ladder_.rungs(b); k-- > 0;) {
      const detail::Level& here = ladder_.level(b, k);
      const auto best = here.candidate();
      if (!best || is_last_for_now(k) || (history.may_start() && !here.has_room())) continue;
      const Climber& c = ladder_.at(best->trial);
      const Rung rung = here.crossing(*best, b, k, here.quota(), history);
      return Resume{best->trial, ladder_.next_step(c), rung, told(rung, here.quota()), {}};
    }
  return Start{ladder_.level(next_bracket_, 0).step(), "a slot is free", {}};
}

std::string Asha::told(const Rung& rung, std::int64_t quota) const {
  const std::string bracket = shares_.size() > 1 ? "bracket " + std::to_string(rung.bracket) + ", " : "";
  return bracket + detail::sentence(rung, quota);
}

int Asha::bracket_of_start(std::int64_t start) const {
  if (shares_.size() == 1) return 0;
  const double u = Rng{seed_, Purpose::bracket, start}.uniform() * shares_.back();
  return static_cast<int>(std::upper_bound(shares_.begin(), shares_.end() - 1, u) - shares_.begin());
}

// --- by name
// ----------------------------------------------------------------------------------------------------------

namespace {

Error invalid(std::string message, std::string hint) { return {Error::Code::invalid, std::move(message), std::move(hint)}; }

Result<std::unique_ptr<Scheduler>> make(const SchedulerContext& c) {
  AshaOptions o;
  const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(*to_number(*c.options.find(name))); };
  o.min_step = whole("min_step");
  o.eta = *to_number(*c.options.find("eta"));
  o.brackets = static_cast<int>(whole("brackets"));
  const auto* mode = c.options.find("mode");
  o.promote = mode ? std::get<std::string>(*mode) == "promote" : c.spec.checkpoint.has_value();
  if (const auto* last = c.options.find("max_step")) {
    o.progressive = std::holds_alternative<std::string>(*last);
    if (!o.progressive) o.max_step = whole("max_step");
  }
  if (o.max_step && *o.max_step <= o.min_step)
    return invalid("scheduler.max_step must be greater than min_step, which is " + std::to_string(o.min_step) +
                       ": with one rung there is nothing to halve",
                   "scheduler fifo runs every trial to its end");
  if (o.progressive && !o.promote)
    return invalid("scheduler.max_step: \"auto\" pauses trials at the last rung until it is known whether more steps are needed, "
                   "so they must be able to save",
                   "add \"checkpoint\": {} and use \"mode\": \"promote\", or give max_step a number");
  if (o.progressive && o.brackets > 1)
    return invalid("scheduler.brackets: with \"max_step\": \"auto\" there is one, whose last two rungs are compared",
                   "leave `brackets` out, or give max_step a number");
  return std::unique_ptr<Scheduler>(std::make_unique<Asha>(c.spec, o));
}

}  // namespace

SchedulerEntry asha() {
  using Kind = Option::Kind;
  return {{"asha",
           "Gives many trials a few steps and the best of them more (asynchronous successive halving).",
           {{"mode",
             Kind::text,
             "",
             "promote: pause at rungs, resume the best. stop: stop all but the best. Default: promote if the config "
             "has `checkpoint`.",
             0,
             0,
             {"promote", "stop"}},
            {"min_step", Kind::integer, "1", "Step of the first rung.", 1, 1e15},
            {"max_step",
             Kind::integer,
             "",
             "A trial that gets here is complete. auto: no further than it takes to rank them. Default: where it ends by "
             "itself.",
             1,
             1e15,
             {"auto"}},
            {"eta", Kind::number, "3", "One in eta goes on; rungs are this factor apart.", 1.1, 1000},
            {"brackets", Kind::integer, "1", "Ways to begin: bracket b skips the first b rungs.", 1, 20}}},
          make};
}

}  // namespace tune
