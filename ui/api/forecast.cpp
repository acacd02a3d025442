// SPDX-License-Identifier: Apache-2.0
#include "ui/api/forecast.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>
#include <vector>

#include "tuner/workers.hpp"
#include "ui/api/measurements.hpp"
#include "ui/api/pace_model.hpp"
#include "ui/api/policies.hpp"
#include "ui/api/virtual_time.hpp"

namespace tune {
namespace {

constexpr std::size_t kMostPaces = 400;  // More would not narrow what is drawn from.
constexpr std::size_t kNear = 5;         // Measured trials among which a new one finds its curve.

/// Everything that was measured and that futures draw from.
struct Evidence {
  std::shared_ptr<const Recording> recording;  // At least one trial, or nullptr. Of it:
  std::vector<const RecordedTrial*> curves;    // those that new trials find theirs among,
  std::optional<Recording::Trend> trend;
  std::vector<double> kernel;                  // by metric.
  std::vector<PaceModel::Observation> paces;
  std::vector<std::optional<double>> own_pace;       // By trial of the journal: its own, where it is known;
  std::vector<std::optional<std::size_t>> own_bound;  // else where it stands in `paces`.
  std::vector<std::int64_t> lengths;                 // Of trials that ended by themselves.
  double steps_done = 0, failures = 0;
  double attempts = 0, losses = 0;
  double tear_down = 0;  // Mean seconds between a last report and the end.
  std::vector<SimulatorOptions::UnderWay> under_way;
};

// Seconds against what an average trial takes of its own mean step to come there.
double pace_of(double seconds, double progress) { return std::log(std::max(seconds, 1e-6) / std::max(progress, 1e-9)); }

// Every k-th, so that at most about kMostPaces stay; bounds are always kept by the caller.
std::size_t stride(std::size_t n) { return std::max<std::size_t>(1, n / kMostPaces); }

// Silverman's bandwidth of the last values, by metric ("Density Estimation", 1986, 3.31).
std::vector<double> kernel_of(const Recording& recording) {
  std::vector<double> out(recording.metrics.size());
  for (std::size_t m = 0; m < out.size(); ++m) {
    std::vector<double> last;
    for (const auto& t : recording.trials)
      if (!t.values.empty() && std::isfinite(t.values.back()[m])) last.push_back(t.values.back()[m]);
    if (last.size() < 2) continue;
    std::sort(last.begin(), last.end());
    const double middle_half = last[last.size() * 3 / 4] - last[last.size() / 4];
    out[m] = 0.9 * middle_half / 1.34 * std::pow(static_cast<double>(last.size()), -0.2);
  }
  return out;
}

void learn_curves(Evidence& out) {
  if (!out.recording) return;
  const auto& trials = out.recording->trials;
  for (std::size_t i = 0; i < trials.size(); i += stride(trials.size()))
    if (!trials[i].steps.empty()) out.curves.push_back(&trials[i]);
  out.trend.emplace(*out.recording);
  out.kernel = kernel_of(*out.recording);
}

Evidence from_recording(const Outlook& o) {
  Evidence out;
  out.recording = o.recording;
  if (!o.recording) return out;
  learn_curves(out);
  const auto every = stride(o.recording->trials.size());
  for (std::size_t i = 0; i < o.recording->trials.size(); ++i) {
    const auto& t = o.recording->trials[i];
    out.steps_done += t.steps.empty() ? 0 : static_cast<double>(t.steps.back());
    out.failures += t.end == RecordedTrial::End::failed;
    if (t.end == RecordedTrial::End::by_itself) out.lengths.push_back(t.steps.back());
    if (i % every == 0 && !t.until.empty() && !o.step_seconds)
      out.paces.push_back({t.unit, pace_of(t.until.back(), out.trend->progress(t.steps.back())), false});
  }
  return out;
}

// A trial under way that has done less than a tenth of what the longest did has told little yet: what its first report took
// may be its start alone. It counts for not having come further.
constexpr double kTold = 0.1;

void learn_paces(const Outlook& o, const Measurements& measured, Evidence& out) {
  if (!out.trend) return;
  const auto every = stride(measured.trials().size());
  std::size_t n = 0;
  for (const auto& t : measured.trials()) {
    out.own_pace.emplace_back(), out.own_bound.emplace_back();
    const std::int64_t last = t.steps.empty() ? 0 : t.steps.back();
    const double done = last > 0 ? out.trend->progress(last) : 0;
    const bool runs = t.live && o.running;
    if (last > 0 && !(runs && done < kTold * out.trend->progress(out.trend->last()))) {
      out.own_pace.back() = pace_of(t.until.back(), done);
      if (n++ % every == 0) out.paces.push_back({recorded_position(o.spec.space, t.params), *out.own_pace.back(), false});
    } else if (runs) {
      out.own_bound.back() = out.paces.size();
      const double bound = pace_of(t.spent + o.now - t.seen, out.trend->progress(out.trend->next(last)));
      out.paces.push_back({recorded_position(o.spec.space, t.params), bound, true});
    }
  }
}

Evidence from_journal(const Outlook& o) {
  Measurements measured{o.spec};
  Evidence out;
  for (const auto& r : o.journal) {
    measured.learn(r);
    const auto* e = r.as<Exited>();
    if (!e || e->cause == Cause::shutdown) continue;
    ++out.attempts;
    out.losses += e->cause == Cause::lost || e->cause == Cause::preempted;
  }
  auto recording = measured.recording(o.spec.space);
  if (!recording.trials.empty()) out.recording = std::make_shared<const Recording>(std::move(recording));
  learn_curves(out);
  learn_paces(o, measured, out);
  double torn = 0, ends = 0;
  for (std::size_t i = 0; i < measured.trials().size(); ++i) {
    const auto& t = measured.trials()[i];
    out.steps_done += t.steps.empty() ? 0 : static_cast<double>(t.steps.back());
    out.failures += t.failures;
    if (t.settled == TrialState::complete && !t.steps.empty()) out.lengths.push_back(t.steps.back());
    if (t.settled == TrialState::complete) torn += t.after_last, ++ends;
    if (t.live && o.running)
      out.under_way.push_back({TrialId{static_cast<std::int64_t>(i)}, t.launched, t.seen, t.attempt_reports});
  }
  out.tear_down = ends > 0 ? torn / ends : 0;
  return out;
}

/// One state of the world that is compatible with the evidence, and what trials are in it.
class Future final : public Problem {
 public:
  Future(const Outlook& o, const Evidence& evidence, const PaceModel& model, PaceModel::Draw draw, std::uint64_t seed)
      : space_(o.spec.space), evidence_(evidence), model_(model), draw_(std::move(draw)), seed_(seed), trend_(evidence.trend) {
    metrics_ = evidence.recording ? evidence.recording->metrics : Measurements{o.spec}.metrics();
    Rng rng{seed, Purpose::simulate, -2};
    // Jeffreys' prior of a rate; failures are seldom enough that a trial has one at most.
    hazard_ = evidence.steps_done > 0 ? gamma_draw(rng, evidence.failures + 0.5) / evidence.steps_done : 0;
    for (std::size_t i = 0; i < evidence.lengths.size(); ++i) shares_.push_back(gamma_draw(rng, 1) + (i ? shares_.back() : 0));
    if (const auto* most = o.spec.scheduler.options.find("max_step"))
      usual_steps_ = static_cast<std::int64_t>(to_number(*most).value_or(1));
    else
      usual_steps_ = trend_ ? trend_->last() : 1;
    if (o.steps) usual_steps_ = *o.steps;
    given_steps_ = o.steps.has_value();
  }
  const std::vector<std::string>& metrics() const override { return metrics_; }
  Trajectory course(const Params& params) const override { return attempt(params, TrialId{-1}, 1); }
  Trajectory attempt(const Params& params, TrialId trial, int number) const override {
    return resume(params, trial, number, 0, {});
  }

  Trajectory resume(const Params& params, TrialId trial, int number, std::int64_t from, const std::string&) const override {
    const auto unit = recorded_position(space_, params);
    Rng rng{seed_, Purpose::simulate, trial.value, -3};  // The trial's own: the same in each attempt.
    const double pace = std::exp(log_pace(unit, trial, rng.normal()));
    const double length = rng.uniform(), offset = rng.normal();
    const RecordedTrial* like = donor(unit, rng);
    Trajectory t;
    t.steps = std::max(steps(length), from + 1);
    t.seconds = [this, pace](std::int64_t step) {
      return trend_ ? pace * (trend_->progress(step) - trend_->progress(trend_->before(step))) : pace;
    };
    if (trend_) t.next = [this](std::int64_t step) { return std::max(trend_->next(step), step + 1); };
    t.measure = [this, like, offset](std::int64_t step, std::span<double> out) { measure(like, offset, step, out); };
    if (hazard_ > 0) {
      const double u = Rng{seed_, Purpose::fault, trial.value, number}.uniform();
      const double until = -std::log1p(-u) / hazard_;
      if (until < 1e15) t.fails_at = from + 1 + static_cast<std::int64_t>(until);
    }
    if (evidence_.tear_down > 0) t.start_seconds = evidence_.tear_down;
    return t;
  }

 private:
  double log_pace(const std::vector<double>& unit, TrialId trial, double z) const {
    const auto i = static_cast<std::size_t>(trial.value);
    if (trial.value >= 0 && i < evidence_.own_pace.size()) {
      if (evidence_.own_pace[i]) return *evidence_.own_pace[i];
      if (evidence_.own_bound[i]) return draw_.log_paces[*evidence_.own_bound[i]];
    }
    return model_.log_pace(draw_, unit, z);
  }

  std::int64_t steps(double u) const {
    if (given_steps_ || shares_.empty()) return std::max<std::int64_t>(1, usual_steps_);
    const auto it = std::lower_bound(shares_.begin(), shares_.end(), u * shares_.back());
    return evidence_.lengths[std::min<std::size_t>(static_cast<std::size_t>(it - shares_.begin()), shares_.size() - 1)];
  }

  // One of the nearest measured trials that have a curve.
  const RecordedTrial* donor(const std::vector<double>& unit, Rng& rng) const {
    std::vector<std::pair<double, const RecordedTrial*>> near;
    for (const auto* t : evidence_.curves) {
      const double most = near.size() < kNear ? std::numeric_limits<double>::infinity() : near.back().first;
      const double d = recorded_distance(space_, unit, t->unit, most);
      if (near.size() == kNear && d >= near.back().first) continue;
      if (near.size() == kNear) near.pop_back();
      near.insert(std::upper_bound(near.begin(), near.end(), d, [](double a, const auto& b) { return a < b.first; }), {d, t});
    }
    return near.empty() ? nullptr : near[rng.below(near.size())].second;
  }

  // Without any curve all that matters is that values differ.
  void measure(const RecordedTrial* like, double offset, std::int64_t step, std::span<double> out) const {
    for (std::size_t m = 0; m < out.size(); ++m) {
      if (!like) {
        out[m] = offset + 1 / static_cast<double>(step);
        continue;
      }
      const auto after = std::upper_bound(like->steps.begin(), like->steps.end(), step);
      const auto i = after == like->steps.begin() ? 0 : static_cast<std::size_t>(after - like->steps.begin()) - 1;
      out[m] = like->values[i][m] + trend_->change(m, like->steps[i], step) + offset * evidence_.kernel[m];
    }
  }

  const Space& space_;
  const Evidence& evidence_;
  const PaceModel& model_;
  const PaceModel::Draw draw_;
  const std::uint64_t seed_;
  const std::optional<Recording::Trend>& trend_;
  std::vector<std::string> metrics_;
  double hazard_ = 0;
  std::vector<double> shares_;  // Cumulated, of the lengths.
  std::int64_t usual_steps_ = 1;
  bool given_steps_ = false;
};

/// Quantiles so that a new draw lies below the p-th with chance p, whatever the distribution (Hyndman and Fan 1996, type 6).
double quantile(const std::vector<double>& sorted, double p) {
  const double n = static_cast<double>(sorted.size());
  const double h = std::clamp(p * (n + 1), 1.0, n) - 1;
  const auto i = static_cast<std::size_t>(h);
  return i + 1 < sorted.size() ? sorted[i] + (h - static_cast<double>(i)) * (sorted[i + 1] - sorted[i]) : sorted[i];
}

template <class What>
Band band(const std::vector<VirtualRun>& runs, const What& what) {
  std::vector<double> all;
  for (const auto& r : runs) all.push_back(static_cast<double>(what(r)));
  std::sort(all.begin(), all.end());
  return {quantile(all, 0.1), quantile(all, 0.5), quantile(all, 0.9)};
}

int slots_of(const Outlook& o) {
  if (o.slots) return *o.slots;
  Placement places(o.spec.required_labels);
  for (const auto& r : o.journal) follow_workers(places, r);
  int slots = o.spec.parallel.value_or(1);
  if (places.has_workers() && places.cpus_offered() > 0) {
    const int room = places.capacity(o.spec.resources, o.spec.gang);
    slots = o.spec.parallel ? std::min(*o.spec.parallel, room) : room;
  }
  return std::max(1, slots);
}

/// The same with every attempt on worker 0, where a simulation has all slots.
Record in_one_place(Record r) {
  if (auto* decided = std::get_if<Decided>(&r.fact))
    if (auto* launch = std::get_if<Launch>(&decided->what))
      for (auto& seat : launch->ranks) seat.worker = WorkerId{0};
  return r;
}

/// The journal, and what has to be recorded for it to go on as a simulation.
std::vector<Record> to_go_on(const Outlook& o) {
  std::vector<Record> all;
  std::transform(o.journal.begin(), o.journal.end(), std::back_inserter(all), in_one_place);
  if (all.empty()) return all;
  std::set<WorkerId> others;
  bool held = false;
  for (const auto& r : o.journal) {
    if (const auto* w = r.as<WorkerJoined>()) others.insert(w->worker);
    if (const auto* q = r.as<Requested>(); q && !q->trial && (q->verb == "pause" || q->verb == "resume")) held = q->verb == "pause";
  }
  const auto add = [&](Observation what) { all.push_back({all.back().seq + 1, Time{o.now}, all.back().epoch, std::move(what)}); };
  if (!o.running) add(Opened{});
  for (const auto w : others)
    if (w.value != 0) add(WorkerLost{w, "forecast", ""});
  if (held) {
    Requested resume;
    resume.verb = "resume";
    add(std::move(resume));
  }
  add(TimePassed{});
  return all;
}

// What is forecast is cost, so a search that takes its time is replaced by one that takes none.
Spec cheap(const Outlook& o, int slots) {
  Spec spec = o.spec;
  spec.parallel = slots;
  spec.stop.improvement.reset();
  if (spec.search.type != "grid" && spec.search.type != "sobol") spec.search = {"random", {}};
  return spec;
}

}  // namespace

int affordable_futures(const Outlook& o, std::int64_t records) {
  double seen = 0, reports = 0, trials = 0;
  for (const auto& r : o.journal) ++seen, reports += r.as<Reported>() != nullptr, trials += r.as<Propose>() != nullptr;
  const double each = trials > 0 ? seen / trials : 100;
  const double whole = seen + each * std::max(0.0, static_cast<double>(o.spec.stop.trials.value_or(1000)) - trials);
  const auto n = static_cast<int>(std::min(64.0, static_cast<double>(records) / std::max(1.0, whole)));
  return n < 16 ? 0 : n;
}

Result<Forecast> forecast(const Outlook& o) {
  const auto evidence = o.journal.empty() ? from_recording(o) : from_journal(o);
  const auto known = std::count_if(evidence.paces.begin(), evidence.paces.end(), [](const auto& p) { return !p.at_least; });
  if (known == 0 && !o.step_seconds)
    return Error{Error::Code::invalid, "nothing tells how long a trial takes: none has reported yet",
                 "for a config: --trial-cost 5m, --step-seconds 20, or --from an experiment or table that measured it"};
  Forecast out;
  out.slots = slots_of(o);
  out.measured = known;
  const Spec spec = cheap(o, out.slots);
  const auto journal = to_go_on(o);
  PaceModel model{o.spec.space, evidence.paces, o.step_seconds, Rng{o.spec.seed, Purpose::simulate, -4}};
  std::vector<VirtualRun> runs;
  for (int k = 0; k < o.futures; ++k) {
    const auto seed = Rng{o.spec.seed, Purpose::simulate, -5, k}.next();
    SimulatorOptions options;
    options.workers = 1;
    options.slots = out.slots * o.spec.gang.ranks;
    options.seed = seed;
    options.under_way = evidence.under_way;
    Rng rng{seed, Purpose::simulate, -6};
    // Attempts that were lost or had to leave, of those that ended: none is expected where none was seen.
    if (evidence.losses > 0) {
      const double a = gamma_draw(rng, evidence.losses + 0.5), b = gamma_draw(rng, evidence.attempts - evidence.losses + 0.5);
      options.faults.lost = a / (a + b);
    }
    Spec own = spec;
    own.seed = seed;
    auto run = run_in_virtual_time(own, std::make_unique<Future>(o, evidence, model, model.draw(), seed), options, journal);
    if (!run) return run.error();
    if (run->finished) runs.push_back(std::move(*run));
  }
  if (runs.empty()) return Error{Error::Code::invalid, "the experiment cannot come to an end as it is", "tune status"};
  out.futures = static_cast<int>(runs.size());
  const double began = journal.empty() ? runs.front().began : o.now;
  out.left = band(runs, [&](const VirtualRun& r) { return std::max(0.0, r.ended - began); });
  out.seconds = band(runs, [](const VirtualRun& r) { return r.seconds(); });
  out.slot_seconds = band(runs, [](const VirtualRun& r) { return r.slot_seconds; });
  out.trials = band(runs, [](const VirtualRun& r) { return r.trials; });
  out.failed = band(runs, [](const VirtualRun& r) { return r.failed; });
  std::set<std::pair<int, std::int64_t>> rungs;
  for (const auto& r : runs)
    for (const auto& [rung, count] : r.rungs) rungs.insert(rung);
  for (const auto& rung : rungs)
    out.rungs[rung] = band(runs, [&](const VirtualRun& r) {
      const auto it = r.rungs.find(rung);
      return it == r.rungs.end() ? 0 : it->second;
    });
  return out;
}

}  // namespace tune
