// SPDX-License-Identifier: Apache-2.0
#include "schedulers/median.hpp"

#include <algorithm>
#include <limits>

#include "tuner/json.hpp"

namespace tune {

void Median::Middle::add(double x) {
  if (lower_.empty() || x <= lower_.top())
    lower_.push(x);
  else
    upper_.push(x);
  // The lower half holds as many as the upper, or one more.
  if (lower_.size() > upper_.size() + 1) upper_.push(lower_.top()), lower_.pop();
  if (upper_.size() > lower_.size()) lower_.push(upper_.top()), upper_.pop();
}

void Median::learn(const History& history, const Record& r) {
  if (const auto* report = r.as<Reported>()) {
    reported(history, *report);
  } else if (const auto id = trial_of(r); id && history.contains(*id)) {
    // A person's retry begins again with a clean slate; what it reported before stays in the medians.
    if (r.as<Retry>() && static_cast<std::size_t>(id->value) < courses_.size())
      courses_[static_cast<std::size_t>(id->value)].judged = false;
    if (r.as<Stop>() || is_final(history.trial(*id).state))
      std::erase_if(sentences_, [&](const Sentence& s) { return s.trial == *id; });
  }
}

void Median::reported(const History& history, const Reported& report) {
  const auto score = history.score(report.metrics);
  if (!score) return;
  const auto index = static_cast<std::size_t>(report.trial.value);
  if (courses_.size() <= index) courses_.resize(index + 1);
  Course& c = courses_[index];
  if (c.judged) return;  // What it still says after the verdict changes nothing.
  const Trial& t = history.trial(report.trial);
  if (t.feasible) {  // What it reports outside its outcome constraints is worth nothing.
    c.best = std::min(c.best, *score);
    c.sum += *score;
    ++c.count;
  }
  if (report.step % options_.every != 0) return;

  Middle& here = steps_[report.step];
  if (report.step >= options_.min_step && here.size() >= options_.min_trials && c.best > here.median() &&
      !is_final(t.state) && t.asked != Asked::stop) {
    c.judged = true;
    sentences_.push_back({report.trial, report.step, c.best, here.median(), here.size()});
  }
  here.add(c.count > 0 ? c.sum / static_cast<double>(c.count) : std::numeric_limits<double>::infinity());
}

std::optional<Scheduler::Verdict> Median::verdict(const History& history) const {
  if (sentences_.empty()) return std::nullopt;
  const Sentence& s = sentences_.front();
  return Verdict{Stop{s.trial, history.trial(s.trial).attempt, TrialState::stopped, {}},
                 "at step " + std::to_string(s.step) + " its best is " + to_text(history.value(s.best)) +
                     ", worse than the median " + to_text(history.value(s.median)) + " of " + std::to_string(s.others) +
                     " other trials",
                 {}};
}

SchedulerEntry median() {
  using Kind = Option::Kind;
  return {{"median",
           "Stops a trial whose best value is worse than the median of what others had at the same step.",
           {{"min_step", Kind::integer, "1", "No trial is stopped before this step.", 1, 1e15},
            {"min_trials", Kind::integer, "5", "Nor before so many others have reported at the step.", 1, 1e9},
            {"every", Kind::integer, "1", "Looks at every so many steps.", 1, 1e15}}},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto whole = [&](std::string_view name) {
              return static_cast<std::int64_t>(*to_number(*c.options.find(name)));
            };
            return std::unique_ptr<Scheduler>(
                std::make_unique<Median>(MedianOptions{whole("min_step"), whole("min_trials"), whole("every")}));
          }};
}

}  // namespace tune
