// SPDX-License-Identifier: Apache-2.0
#include "schedulers/racing.hpp"

#include <charconv>
#include <cmath>
#include <limits>
#include <numbers>

#include "schedulers/signed_rank.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

constexpr double kWorst = std::numeric_limits<double>::infinity();

double spent_at(double alpha, std::int64_t look) {
  const double k = static_cast<double>(look);
  return alpha * 6 / (std::numbers::pi * std::numbers::pi * k * k);
}

// Four digits are enough for people; the note has all.
std::string short_text(double x) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, x, std::chars_format::general, 4).ptr};
}

}  // namespace

Racing::Runner& Racing::runner(TrialId id) {
  const auto index = static_cast<std::size_t>(id.value);
  if (runners_.size() <= index) runners_.resize(index + 1);
  return runners_[index];
}

void Racing::withdraw(TrialId id, Runner& r) {
  if (!std::exchange(r.stands, false)) return;
  const auto group = field_.find(r.results.size());
  group->second.erase(place(r, id));
  if (group->second.empty()) field_.erase(group);
}

void Racing::learn(const History& history, const Record& record) {
  if (const auto* report = record.as<Reported>()) return reported(history, *report);
  const auto id = trial_of(record);
  if (!id || !history.contains(*id) || static_cast<std::size_t>(id->value) >= runners_.size()) return;
  Runner& r = runner(*id);
  if (record.as<Retry>()) r.judged = false;  // A person's retry begins again; a failed attempt is not judged.
  const TrialState state = history.trial(*id).state;
  if (record.as<Stop>() || record.as<Exploit>() || is_final(state)) std::erase_if(sentences_, [&](const Sentence& s) { return s.trial == *id; });
  if (record.as<Stop>() || (is_final(state) && state != TrialState::complete)) withdraw(*id, r);
}

void Racing::reported(const History& history, const Reported& report) {
  const auto score = history.score(report.metrics);
  if (!score) return;
  Runner& r = runner(report.trial);
  if (r.judged) return;  // What it still says after the verdict changes nothing.
  const Trial& t = history.trial(report.trial);
  withdraw(report.trial, r);
  // What it reports outside its outcome constraints is worth nothing.
  r.results.push_back({report.step, t.feasible ? *score : kWorst});
  r.sum += r.results.back().score;
  if (!is_final(t.state) && t.asked != Asked::stop && is_look(r, report)) look(report.trial, r);
  if (r.judged || !t.feasible) return;
  r.stands = true;
  field_[r.results.size()].insert(place(r, report.trial));
}

// Where it is known how many instances there are, each may be the last report of a program of its own.
bool Racing::is_look(const Runner& r, const Reported& report) const {
  if (report.final && options_.instances == 0) return false;
  const auto done = static_cast<std::int64_t>(r.results.size());
  return done >= options_.min_instances && (done - options_.min_instances) % options_.every == 0 && done != options_.instances;
}

// Asked while the trial itself stands aside.
std::optional<TrialId> Racing::incumbent(std::size_t results) const {
  if (field_.empty() || field_.rbegin()->first < results) return std::nullopt;
  return field_.rbegin()->second.begin()->second;
}

void Racing::look(TrialId id, Runner& r) {
  const auto best = incumbent(r.results.size());
  if (!best) return;
  const Runner& other = runners_[static_cast<std::size_t>(best->value)];
  std::vector<double> worse;
  Sentence s{id, *best};
  for (auto a = r.results.cbegin(), b = other.results.cbegin(); a != r.results.cend() && b != other.results.cend();) {
    if (a->step != b->step) {
      a->step < b->step ? void(++a) : void(++b);
      continue;
    }
    worse.push_back(a->score == b->score ? 0 : a->score - b->score);
    s.mean += a->score, s.best += b->score;
    ++a, ++b;
  }
  s.common = worse.size();
  s.look = ++r.looks;
  if (!(s.mean > s.best)) return;
  s.p = detail::signed_rank_p(worse);
  s.limit = options_.spends ? spent_at(options_.alpha, s.look) : options_.alpha;
  if (!(s.p < s.limit)) return;
  s.mean /= static_cast<double>(s.common), s.best /= static_cast<double>(s.common);
  r.judged = true;
  sentences_.push_back(s);
}

std::optional<Scheduler::Verdict> Racing::verdict(const History& history) const {
  if (sentences_.empty()) return std::nullopt;
  const Sentence& s = sentences_.front();
  Note note;
  JsonWriter json(note);
  json.begin_object().key("incumbent").value(s.incumbent.value).key("common").value(static_cast<std::int64_t>(s.common));
  json.key("look").value(s.look).key("p").value(s.p).key("limit").value(s.limit).end_object();
  return Verdict{Stop{s.trial, history.trial(s.trial).attempt, TrialState::stopped, {}},
                 "on " + std::to_string(s.common) + " instances its mean is " + to_text(history.value(s.mean)) + ", that of trial " +
                     std::to_string(s.incumbent.value) + " " + to_text(history.value(s.best)) + ": p " + short_text(s.p) + " < " +
                     short_text(s.limit) + " at look " + std::to_string(s.look),
                 std::move(note)};
}

SchedulerEntry racing() {
  using Kind = Option::Kind;
  return {{"racing",
           "Stops a trial that is clearly worse than the best one on the instances, or folds, that both have done.",
           {{"alpha", Kind::number, "0.1", "Chance that a trial is stopped by one that is no better, over all looks.", 1e-12, 0.5},
            {"min_instances", Kind::integer, "5", "No trial is stopped before so many.", 2, 1e9},
            {"every", Kind::integer, "5", "Looks again after every so many more.", 1, 1e9}},
           false,
           true},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            const auto number = [&](std::string_view name) { return *to_number(*c.options.find(name)); };
            RacingOptions options{number("alpha"), static_cast<std::int64_t>(number("min_instances")),
                                  static_cast<std::int64_t>(number("every")), static_cast<std::int64_t>(c.spec.instances.size())};
            return std::unique_ptr<Scheduler>(std::make_unique<Racing>(options));
          }};
}

}  // namespace tune
