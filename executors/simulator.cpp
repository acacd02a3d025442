// SPDX-License-Identifier: Apache-2.0
#include "executors/simulator.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "tuner/instances.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

// A checkpoint's name says its step and holds its state, so that any simulator can go on from it; the attempt in it makes it
// one of a kind, because a trial can come to the same step again with another state.
constexpr std::string_view kStep = "-step-", kState = "-with-";

std::string checkpoint_name(TrialId trial, int attempt, std::int64_t step, const Trajectory& course) {
  std::string name = "trial-" + std::to_string(trial.value) + "-attempt-" + std::to_string(attempt);
  name.append(kStep).append(std::to_string(step));
  return course.state ? name.append(kState).append(course.state(step)) : name;
}

struct Restored {
  std::int64_t step = 0;
  std::string state;
};
Restored restored(const std::string& name) {
  Restored out;
  const auto step = name.find(kStep);
  if (step == std::string::npos) return out;
  const char* const end = name.data() + name.size();
  const auto rest = std::from_chars(name.data() + step + kStep.size(), end, out.step).ptr;
  const std::string_view tail{rest, static_cast<std::size_t>(end - rest)};
  if (tail.starts_with(kState)) out.state = tail.substr(kState.size());
  return out;
}

}  // namespace

Simulator::Simulator(const Spec& spec, std::unique_ptr<Problem> problem, SimulatorOptions options)
    : spec_(spec),
      by_instance_(launches_by_instance(spec)),
      problem_(std::move(problem)),
      options_(options),
      metrics_(std::make_shared<const std::vector<std::string>>(problem_->metrics())) {
  for (int i = 0; i < options_.workers; ++i) {
    const double spread = std::log1p(std::max(0.0, options_.spread));
    const double u = Rng{options_.seed, Purpose::simulate, i}.uniform();
    workers_.push_back({std::exp((2 * u - 1) * spread), options_.slots, true, 0, {}, {}});
  }
}

Offer Simulator::offer() const {
  const double n = options_.slots;
  Offer o;
  o.cpus = spec_.resources.cpus * n;
  o.memory_bytes = spec_.resources.memory_bytes * options_.slots;
  const int devices = static_cast<int>(std::ceil(spec_.resources.gpus * n));
  for (int i = 0; i < devices; ++i) o.devices.push_back({i, "simulated-" + std::to_string(i)});
  for (const auto& [name, amount] : spec_.resources.custom) o.custom[name] = amount * n;
  return o;
}

std::vector<Observation> Simulator::open(const History& history) {
  now_ = history.now();
  for (std::size_t w = 0; w < workers_.size(); ++w) {
    WorkerJoined joined;
    joined.worker = {static_cast<std::int64_t>(w)};
    joined.name = "simulated-" + std::to_string(w);
    joined.offers = offer();
    joined.labels = spec_.required_labels;  // Simulated machines are what is asked for.
    out_.push_back(std::move(joined));
    schedule_loss(w);
  }
  for (const auto& u : options_.under_way) adopt(u, history.trial(u.trial));
  for (const Trial& t : history.trials())
    if (t.state == TrialState::running && !t.attempt_over && !find(t.id, t.attempt)) {
      Exited e;
      e.trial = t.id;
      e.attempt = t.attempt;
      e.cause = Cause::lost;
      e.text = "the simulation was started again";
      out_.push_back(std::move(e));
    }
  unacknowledged_ += static_cast<std::int64_t>(out_.size());
  return std::exchange(out_, {});
}

// --- decisions
// --------------------------------------------------------------------------------------------------------

void Simulator::carry_out(const Decided& decided, const History& history) {
  std::visit(overloaded{[&](const Launch& l) { launch(l, history); },
                        [&](const Extend& e) {
                          const auto found = attempts_.find(e.trial);
                          if (found == attempts_.end()) return;
                          Attempt& a = found->second;
                          a.until = std::max(a.until, e.until_step);
                          if (a.phase != Phase::waiting || a.step >= a.until) return;
                          if (a.step >= a.course.steps) return end(e.trial, a, Cause::done);
                          a.phase = Phase::stepping;
                          schedule_step(e.trial, a);
                        },
                        [&](const Pause& p) { ask(p.trial, p.attempt, Cause::paused); },
                        [&](const Stop& s) {
                          ask(s.trial, s.attempt, s.as == TrialState::cancelled ? Cause::cancelled : Cause::stopped);
                        },
                        [&](const Speculate& s) { begin_copy(s, history); },
                        [&](const EndCopy& e) {
                          if (const auto it = copies_.find(e.trial); it != copies_.end() && it->second.number == e.attempt) forget_copy(e.trial);
                        },
                        [&](const Exploit& e) { ask(e.trial, e.attempt, Cause::exploited); },
                        [&](const Collect& c) {
                          out_.push_back(Collected{c.checkpoints, 0});
                        },
                        [](const auto&) {}},
             decided.what);
}

void Simulator::adopt(const SimulatorOptions::UnderWay& u, const Trial& t) {
  Attempt& a = attempts_[t.id];
  a.number = newest(t.id) = t.attempt;
  a.until = t.until_step;
  a.step = t.last_step;
  a.seq = u.reports;
  a.began = u.began;
  if (t.asked != Asked::nothing) a.asked = t.asked == Asked::pause ? Cause::paused : Cause::stopped;
  a.course = problem_->resume(t.params, t.id, a.number, a.step, restored(t.checkpoint).state);
  if (by_instance_) a.course.steps = std::min(a.course.steps, a.step + 1);
  draw_fault(t.id, a);
  a.workers.assign(static_cast<std::size_t>(spec_.gang.ranks), 0);
  a.speed = workers_.front().speed;
  take_slots(a);
  a.phase = a.step >= a.until ? Phase::waiting : Phase::stepping;
  limit(t.id, a);
  if (a.phase == Phase::stepping) schedule_step(t.id, a, u.seen);
}

void Simulator::launch(const Launch& l, const History& history) {
  if (newest(l.trial) >= l.attempt) return;  // Carried out before.
  newest(l.trial) = l.attempt;
  if (l.speculative) return take_place(l);
  Attempt& a = attempts_[l.trial];
  a = Attempt{};
  prepare(a, l, history);
  if (std::any_of(a.workers.begin(), a.workers.end(), [&](std::size_t w) { return !workers_[w].up; })) return end(l.trial, a, Cause::lost);
  const std::size_t first = a.workers.front();
  (l.attempt > 1 ? workers_[first].again : workers_[first].fresh).push_back(l.trial);
  begin_next(first);
}

/// What it will do, and where.
void Simulator::prepare(Attempt& a, const Launch& l, const History& history) {
  a.number = l.attempt;
  a.until = l.until_step;
  const auto saved = l.from ? restored(*l.from) : Restored{};
  // A real experiment's checkpoints, which a simulation goes on from, say nothing by their names.
  a.step = l.from && saved.step == 0 ? history.trial(l.trial).checkpoint_step : saved.step;
  for (const auto& seat : l.ranks) {
    const auto worker = static_cast<std::size_t>(seat.worker.value);
    TUNE_ASSERT(worker < workers_.size(), "launched on a worker that is not simulated");
    a.workers.push_back(worker);
    a.speed = a.workers.size() == 1 ? workers_[worker].speed : std::min(a.speed, workers_[worker].speed);
  }
  if (a.workers.empty()) a.workers = {0};
  if (options_.scaling > 0 && !l.ranks.empty()) a.speed *= std::pow(l.ranks.front().cpus / spec_.resources.cpus, options_.scaling);
  const auto& params = l.params ? *l.params : history.trial(l.trial).params;
  if (by_instance_) a.step = history.trial(l.trial).last_step;
  a.course = l.from ? problem_->resume(params, l.trial, l.attempt, a.step, saved.state)
                    : problem_->attempt(params, l.trial, l.attempt);
  if (by_instance_) a.course.steps = std::min(a.course.steps, a.step + 1);
  draw_fault(l.trial, a);
}

void Simulator::ask(TrialId trial, int attempt, Cause cause) {
  Attempt* a = find(trial, attempt);
  if (!a) return;
  a->asked = cause;
  if (a->phase == Phase::waiting || a->phase == Phase::queued) leave(trial, *a, cause);
}

void Simulator::shut_down(bool kill) {
  while (!copies_.empty()) forget_copy(copies_.begin()->first);
  for (const TrialId trial : under_way()) {
    Attempt& a = attempts_.at(trial);
    const bool ran = a.phase != Phase::queued && a.phase != Phase::starting;
    if (!kill && ran) save(trial, a);
    end(trial, a, Cause::shutdown);
  }
}

// --- time
// -------------------------------------------------------------------------------------------------------------

void Simulator::schedule(double at, TrialId trial, int attempt, What what) {
  events_.push({at, order_++, trial, attempt, what});
}

void Simulator::acknowledge(const Observation& o) {
  if (unacknowledged_ == 0) return;
  // What people and the loop itself record is not ours; none of it has a kind that we tell.
  const bool ours = std::visit(
      []<class T>(const T&) {
        return std::is_same_v<T, WorkerJoined> || std::is_same_v<T, WorkerLost> || std::is_same_v<T, Started> ||
               std::is_same_v<T, Reported> || std::is_same_v<T, Checkpointed> || std::is_same_v<T, Collected> ||
               std::is_same_v<T, Exited> || std::is_same_v<T, CopyExited>;
      },
      o);
  if (ours) --unacknowledged_;
}

void Simulator::interrupt() {
  const std::lock_guard lock(mutex_);
  interrupt_ = true;
  interrupted_.notify_one();
}

std::vector<Observation> Simulator::wait(std::optional<Time> until) {
  const auto rest = [&] {
    std::unique_lock lock(mutex_);
    interrupted_.wait(lock, [&] { return interrupt_; });
    interrupt_ = false;
  };
  if (unacknowledged_ > 0) {
    rest();
    return {};
  }
  if (out_.empty()) {
    if (events_.empty() && !until) {
      if (options_.gives_up) {
        stuck_ = true;
        return {};
      }
      TUNE_ASSERT(!options_.alone, "waits for nothing at virtual second " + std::to_string(now_.seconds));
      rest();
      return {};
    }
    if (events_.empty() || (until && until->seconds < events_.top().at)) {
      now_ = std::max(now_, *until);
      return {};
    }
    // Everything of one instant, also what follows from it in no time.
    now_.seconds = std::max(now_.seconds, events_.top().at);
    while (!events_.empty() && events_.top().at <= now_.seconds) {
      const Event e = events_.top();
      events_.pop();
      occur(e);
    }
  }
  unacknowledged_ += static_cast<std::int64_t>(out_.size());
  return std::exchange(out_, {});
}

Simulator::Attempt* Simulator::find(TrialId trial, int attempt) {
  for (auto* all : {&attempts_, &copies_})
    if (const auto at = all->find(trial); at != all->end() && at->second.number == attempt && at->second.phase != Phase::over) return &at->second;
  return nullptr;
}

std::vector<TrialId> Simulator::under_way() const {
  std::vector<TrialId> trials;
  for (const auto& [trial, a] : attempts_)
    if (a.phase != Phase::over) trials.push_back(trial);
  std::sort(trials.begin(), trials.end());
  return trials;
}

int& Simulator::newest(TrialId trial) {
  const auto index = static_cast<std::size_t>(trial.value);
  if (newest_.size() <= index) newest_.resize(index + 1);
  return newest_[index];
}

void Simulator::occur(const Event& e) {
  if (e.what == What::worker_lost) return lose(static_cast<std::size_t>(e.trial.value));
  if (e.what == What::worker_back) return bring_back(static_cast<std::size_t>(e.trial.value));
  if (e.what == What::late_report) {
    const auto late = attempts_.find(e.trial);
    if (late == attempts_.end() || late->second.number != e.attempt) return;  // It was launched again meanwhile.
    report(e.trial, late->second, late->second.step + 1);
    attempts_.erase(late);
    return;
  }
  Attempt* a = find(e.trial, e.attempt);
  if (!a) return;  // It ended meanwhile.
  switch (e.what) {
    case What::start:
      return start(e.trial, *a);
    case What::step:
      return step(e.trial, *a);
    case What::give_up:
      return end(e.trial, *a, a->asked.value_or(Cause::silence));
    case What::time_out:
      if (!a->asked) end(e.trial, *a, Cause::timeout);  // Else it is on its way out.
      return;
    default:
      return;
  }
}

// --- an attempt's life
// --------------------------------------------------------------------------------------------------

void Simulator::begin_next(std::size_t worker) {
  Worker& w = workers_[worker];
  while (w.up && w.free > 0 && !(w.again.empty() && w.fresh.empty())) {
    auto& line = w.again.empty() ? w.fresh : w.again;
    const TrialId trial = line.front();
    line.pop_front();
    begin(trial, attempts_.at(trial));
  }
}

void Simulator::begin(TrialId trial, Attempt& a) {
  take_slots(a);
  a.phase = Phase::starting;
  a.began = now_.seconds;
  limit(trial, a);
  schedule_word(a.began + a.course.start_seconds.value_or(options_.start_seconds), trial, a, What::start, a.began);
}

void Simulator::take_slots(const Attempt& a) {
  for (const auto worker : a.workers) --workers_[worker].free;
}

void Simulator::give_back_slots(const Attempt& a) {
  for (const auto worker : a.workers)
    if (workers_[worker].up) ++workers_[worker].free;
}

void Simulator::limit(TrialId trial, const Attempt& a) {
  if (const auto& most = spec_.stop.trial_time)
    schedule(std::max(a.began + most->seconds, now_.seconds), trial, a.number, What::time_out);
}

// What it will be heard of next, unless it is given up as silent before.
void Simulator::schedule_word(double at, TrialId trial, const Attempt& a, What what, double heard) {
  const auto& idle = spec_.stop.trial_idle;
  const bool silent = idle && at > heard + idle->seconds;
  schedule(std::max(silent ? heard + idle->seconds : at, now_.seconds), trial, a.number, silent ? What::give_up : what);
}

void Simulator::start(TrialId trial, Attempt& a) {
  Started s;
  s.trial = trial;
  s.attempt = a.number;
  s.worker = {static_cast<std::int64_t>(a.workers.front())};
  tell(a, std::move(s));
  if (a.asked) return leave(trial, a, *a.asked);
  if (a.step >= a.course.steps) return end(trial, a, Cause::done);
  a.phase = Phase::stepping;
  schedule_step(trial, a);
}

std::int64_t Simulator::next_step(const Attempt& a) { return a.course.next ? a.course.next(a.step) : a.step + 1; }

void Simulator::schedule_step(TrialId trial, const Attempt& a, std::optional<double> since) {
  const std::int64_t next = next_step(a);
  double seconds =
      a.course.seconds ? a.course.seconds(next) : options_.step_seconds * static_cast<double>(next - a.step);
  if (options_.jitter > 0)
    seconds *= 1 + options_.jitter * Rng{options_.seed, Purpose::simulate, trial.value, next}.uniform();
  const double from = since.value_or(now_.seconds);
  schedule_word(from + seconds / a.speed, trial, a, What::step, a.seq > 0 ? from : a.began);
}

void Simulator::step(TrialId trial, Attempt& a) {
  const std::int64_t before = a.step, next = next_step(a);
  if (a.course.fails_at && next >= *a.course.fails_at) return end(trial, a, Cause::exit);
  if (a.fault != Fault::none && next >= a.fault_step && fail(trial, a)) return;
  a.step = next;
  report(trial, a, a.step);
  if (a.asked) return leave(trial, a, *a.asked);
  if (spec_.checkpoint && spec_.checkpoint->every)
    if (const auto every = *spec_.checkpoint->every; a.step / every > before / every) save(trial, a);
  if (a.step >= a.until) {
    a.phase = Phase::waiting;
  } else if (a.step >= a.course.steps) {
    end(trial, a, Cause::done);
  } else {
    schedule_step(trial, a);
  }
}

void Simulator::report(TrialId trial, Attempt& a, std::int64_t step) {
  Reported r;
  r.trial = trial;
  r.attempt = a.number;
  r.seq = ++a.seq;
  r.step = step;
  r.metrics.names = metrics_;
  r.metrics.values.resize(metrics_->size());
  a.course.measure(step, r.metrics.values);
  const auto& f = options_.faults;
  if (options_.noise > 0 || f.nan > 0 || f.duplicate > 0) {
    // The stream's name has trial and step only: a step measures the same in every attempt, as a seeded program would.
    Rng rng{options_.seed, Purpose::fault, trial.value, step};
    const bool broken = rng.uniform() < f.nan;
    const bool twice = rng.uniform() < f.duplicate;
    for (double& v : r.metrics.values)
      v = broken ? std::numeric_limits<double>::quiet_NaN()
                 : v + (options_.noise > 0 ? options_.noise * rng.normal() : 0);
    if (twice) tell(a, r);
  }
  tell(a, std::move(r));
}

void Simulator::save(TrialId trial, Attempt& a) {
  if (!spec_.checkpoint || a.step == 0) return;
  Checkpointed c;
  c.trial = trial;
  c.attempt = a.number;
  c.step = a.step;
  c.checkpoint = checkpoint_name(trial, a.number, a.step, a.course);
  c.seconds = options_.save_seconds;
  tell(a, std::move(c));
}

// It was asked to leave and does, saving first where it will go on later.
void Simulator::leave(TrialId trial, Attempt& a, Cause cause) {
  const bool saves = cause == Cause::paused || cause == Cause::preempted || cause == Cause::shutdown;
  if (saves && a.phase != Phase::queued && a.phase != Phase::starting) save(trial, a);
  end(trial, a, cause);
}

void Simulator::end(TrialId trial, Attempt& a, Cause cause) {
  Exited e;
  e.trial = trial;
  e.attempt = a.number;
  e.cause = cause;
  if (cause == Cause::exit) e.exit_code = 1, e.text = "simulated crash";
  if (cause == Cause::done) e.exit_code = 0;
  if (cause == Cause::timeout) e.text = "stop.trial_time (" + to_text(*spec_.stop.trial_time) + ") is over";
  e.last_seq = a.seq;
  const bool held_slot = a.phase != Phase::queued;
  if (held_slot) e.usage.seconds = now_.seconds - a.began;
  if (a.copy) return end_copy(trial, a, std::move(e));
  out_.push_back(std::move(e));
  const auto workers = a.workers;
  if (held_slot) give_back_slots(a);
  if (a.phase == Phase::queued) {
    std::erase(workers_[workers.front()].again, trial);
    std::erase(workers_[workers.front()].fresh, trial);
  }
  if (a.speaks_again)
    a.phase = Phase::over;
  else
    attempts_.erase(trial);
  if (held_slot)
    for (const auto worker : workers) begin_next(worker);
}

}  // namespace tune
