// SPDX-License-Identifier: Apache-2.0
#include "schedulers/pbt.hpp"

#include <algorithm>
#include <cmath>

#include "schedulers/lists.hpp"
#include "tuner/rng.hpp"

namespace tune {
namespace {

constexpr double kNothing = std::numeric_limits<double>::infinity();

std::string number(std::int64_t n) { return std::to_string(n); }

/// Jaderberg et al.: the donor's parameters, perturbed or drawn anew.
class Perturbs final : public detail::Explorer {
 public:
  Perturbs(const Spec& spec, detail::ExploreRule rule) : space_(spec.space), seed_(spec.seed), rule_(std::move(rule)) {}
  detail::Explored explore(const Question& q) const override {
    Rng rng{seed_, Purpose::explore, q.trial.value, q.exploit};
    return detail::explore(space_, q.donor, rule_, rng);
  }

 private:
  const Space& space_;
  std::uint64_t seed_;
  detail::ExploreRule rule_;
};

}  // namespace

Pbt::Pbt(const Spec& spec, const PbtOptions& options, std::unique_ptr<detail::Explorer> explorer)
    : options_(options), name_(spec.scheduler.type), seed_(spec.seed), explorer_(std::move(explorer)) {}

// --- what happened -----------------------------------------------------------------------------------------------------

Pbt::Member& Pbt::member(TrialId id) {
  const auto index = static_cast<std::size_t>(id.value);
  if (members_.size() <= index) members_.resize(index + 1);
  return members_[index];
}

std::int64_t Pbt::after(std::int64_t step, std::int64_t every) const {
  const std::int64_t next = (step / every + 1) * every;
  return options_.max_step ? std::min(next, *options_.max_step) : next;
}

void Pbt::learn(const History& history, const Record& r) {
  const auto id = trial_of(r);
  if (!id || !history.contains(*id)) return;
  const Trial& t = history.trial(*id);
  Member& m = member(*id);
  if (r.as<Reported>()) {
    if (!reported(m, t, r, history)) return;  // In the middle of a stretch: nothing to decide.
  } else {
    happened(m, t, r);
  }
  index(m, t);
  next_ = look(history);
}

// What counts is the report itself and not the trial's reduced value: of a clone that would mix two courses.
bool Pbt::reported(Member& m, const Trial& t, const Record& r, const History& history) {
  const auto& report = *r.as<Reported>();
  const bool arrived = report.step >= std::min(m.goal, t.until_step);
  if (m.phase == Phase::over || (!arrived && report.step < m.mark)) return false;
  m.score = t.feasible ? history.score(report.metrics).value_or(kNothing) : kNothing;
  explorer_->learn({t.id, report.step, m.from, m.score, t.params});
  m.from = m.score;
  m.scored = true, m.moved = false;
  m.step = report.step;
  m.scored_before = std::exchange(m.scored_at, r.seq);
  m.mark = after(report.step, options_.interval);
  if (arrived && m.phase == Phase::going) m.phase = Phase::ready, m.ready_at = r.seq;
  return true;
}

void Pbt::go(Member& m, const Trial& t) {
  m.phase = Phase::going;
  m.goal = after(t.last_step, options_.interval * frequency(t.id));
  m.mark = after(t.last_step, options_.interval);
}

void Pbt::happened(Member& m, const Trial& t, const Record& r) {
  // An attempt that only repeats what was lost brings nobody past its goal.
  const bool farther = m.phase != Phase::over && (m.phase == Phase::unknown || t.until_step > t.last_step);
  if (r.as<Launch>()) {
    m.parked = false;
    if (farther && m.phase != Phase::going) go(m, t);
  } else if (r.as<Extend>()) {
    m.parked = false;
    if (farther && m.phase != Phase::unknown) go(m, t);
  } else if (r.as<Pause>()) {
    m.parked = r.decided()->reason.by != name_;
  } else if (const auto* e = r.as<Exploit>()) {
    m.parked = false, m.moved = true;
    ++m.exploits;
    m.from = member(e->donor).score;
    if (e->step < m.step) m.went_back_from = m.step;
    go(m, t);
  } else if (r.as<Stop>()) {
    m.phase = Phase::over;
  } else if (r.as<Retry>() && m.phase == Phase::over) {
    // A person wants it back: on to its goal, or judged where it stood.
    go(m, t);
    if (m.scored && t.last_step >= t.until_step) m.phase = Phase::ready, m.ready_at = r.seq;
  }
  if (is_final(t.state)) m.phase = Phase::over;
}

void Pbt::index(Member& m, const Trial& t) {
  const bool ready = m.phase == Phase::ready && !is_final(t.state) && !m.parked && !(t.held && t.state == TrialState::paused);
  const bool in_line = ready && t.state == TrialState::paused && !is_done(t);
  const bool owed = ready && !in_line && t.asked == Asked::nothing;
  if (m.owed) ready_.erase({m.ready_at, t.id});
  if (m.in_line) line_.erase(m.place);
  if (owed) ready_.insert({m.ready_at, t.id});
  if (in_line) line_.insert(m.place = {m.step, t.id});
  m.owed = owed, m.in_line = in_line;
  const auto count = [](std::int64_t& all, bool& was, bool is) { all += is - was, was = is; };
  count(queued_, m.queued, t.state == TrialState::queued && t.attempt > 0);
  count(leased_, m.leased, t.state == TrialState::leased);
  count(fresh_, m.fresh, t.attempt == 0 && !is_final(t.state));
}

// --- what now ----------------------------------------------------------------------------------------------------------

bool Pbt::may_begin(const History& history) const {
  if (fresh_ > 0) return true;
  const auto left = history.count(TrialState::failed) + history.count(TrialState::infeasible) +
                    history.count(TrialState::stopped) + history.count(TrialState::cancelled);
  const bool replaces = history.count(TrialState::complete) == 0;
  const bool vacancy = history.size() < options_.population || (replaces && history.size() - left < options_.population);
  return vacancy && history.may_start();
}

bool Pbt::complete(const History& history) const { return history.size() >= options_.population && !may_begin(history); }

// Somebody could use the slot who is no farther than this one. Where all wait for one another, those as far do not count.
bool Pbt::others_wait(const Member& m, const History& history) const {
  const bool behind = !line_.empty() && (options_.sync ? line_.begin()->first < m.step : line_.begin()->first <= m.step);
  // Whoever is leased starts by itself, unless it was launched ahead of its slot.
  return behind || queued_ > 0 || (leased_ > 0 && history.overbooked()) || may_begin(history);
}

bool Pbt::all_have_come_to(std::int64_t step, const History& history) const {
  if (may_begin(history)) return false;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& m = members_[i];
    const bool counts = m.phase == Phase::going || m.phase == Phase::ready;
    if (counts && !m.parked && !history.trial({static_cast<std::int64_t>(i)}).held && (!m.scored || m.step < step)) return false;
  }
  return true;
}

std::optional<Scheduler::Verdict> Pbt::look(const History& history) const {
  for (const auto& [since, id] : ready_) {
    const Member& m = member(id);
    const Trial& t = history.trial(id);
    if (is_done(t))
      return Verdict{Stop{id, t.attempt, TrialState::complete, {}}, "did all " + number(*options_.max_step) + " steps", {}};
    if (!t.live() || others_wait(m, history))
      return Verdict{Pause{id, t.attempt, {}}, "scored at step " + number(m.step) + "; it is judged when its turn comes", {}};
    if (options_.sync && !all_have_come_to(m.step, history)) continue;
    auto j = judge(id, history);
    if (j.what == Judgement::What::waits) continue;
    if (j.what == Judgement::What::copies) return Verdict{std::move(j.exploit), std::move(j.why), std::move(j.note)};
    return Verdict{Extend{id, after(t.last_step, options_.interval * frequency(id)), {}}, std::move(j.why), std::move(j.note)};
  }
  return std::nullopt;
}

std::optional<Scheduler::Plan> Pbt::plan(const History& history) const {
  if (may_begin(history)) {
    const TrialId next{history.size() - fresh_};
    return Start{after(0, options_.interval * frequency(next)), "a member is missing", {}};
  }
  for (const auto& [step, id] : line_) {
    if (options_.sync && !all_have_come_to(step, history)) return std::nullopt;
    auto j = judge(id, history);
    if (j.what == Judgement::What::waits) continue;
    if (j.what == Judgement::What::copies) return Clone{std::move(j.exploit), std::move(j.why), std::move(j.note)};
    const auto until = after(history.trial(id).last_step, options_.interval * frequency(id));
    return Resume{id, until, {}, std::move(j.why), std::move(j.note)};
  }
  return std::nullopt;
}

// --- judging -----------------------------------------------------------------------------------------------------------

Pbt::Ranking Pbt::ranking(TrialId id) const {
  const Member& own = member(id);
  Ranking out;
  for (std::size_t i = group(id); i < members_.size(); i += options_.frequencies.size()) {
    const Member& m = members_[i];
    if (m.phase == Phase::unknown || m.phase == Phase::over) continue;
    ++out.members;
    if (m.scored && m.step >= own.step - options_.interval * frequency(id))
      out.all.push_back({m.score, {static_cast<std::int64_t>(i)}});
  }
  std::sort(out.all.begin(), out.all.end());
  const auto n = static_cast<std::int64_t>(out.all.size());
  out.cut = std::min(static_cast<std::int64_t>(std::ceil(options_.quantile * static_cast<double>(n) - 1e-9)), n / 2);
  const auto at = std::find(out.all.begin(), out.all.end(), Entry{own.score, id});
  out.rank = at - out.all.begin() + 1;
  return out;
}

Pbt::Choice Pbt::choose(TrialId id, const std::vector<Entry>& among, Rng& rng, const History& history) const {
  const Member& own = member(id);
  std::vector<TrialId> able;
  Choice out;
  for (const auto& [score, donor] : among) {
    const Member& m = member(donor);
    const Trial& t = history.trial(donor);
    if (donor == id || m.moved || !(score < own.score) || t.asked == Asked::stop || t.asked == Asked::exploit) continue;
    if (t.checkpoint.empty() || t.checkpoint_step < m.step) {
      // It may be saving just now. One that has been scored again meanwhile, and one that is not running, may never do it.
      out.worth_waiting = out.worth_waiting || (t.live() && m.scored_before <= own.ready_at);
      continue;
    }
    if (options_.max_step && t.checkpoint_step >= *options_.max_step) continue;
    if (t.checkpoint_step < own.step && own.went_back_from >= own.step) continue;
    able.push_back(donor);
  }
  if (!able.empty()) out.donor = able[rng.below(able.size())];
  return out;
}

Pbt::Judgement Pbt::judge(TrialId id, const History& history) const {
  const Ranking r = ranking(id);
  const auto n = static_cast<std::int64_t>(r.all.size());
  const std::string place = "rank " + number(r.rank) + " of " + number(n) + " at step " + number(member(id).step);
  const auto goes_on = [](std::string why) { return Judgement{Judgement::What::goes_on, {}, std::move(why), {}}; };
  if (2 * n < r.members) return goes_on("only " + number(n) + " of " + number(r.members) + " members can be compared at step " + number(member(id).step));
  if (r.rank <= n - r.cut) {
    if (options_.frequencies.size() > 1 && r.rank > n - 2 * r.cut) return migrates(id, r, history);
    return goes_on(place + ": " + (r.cut == 0 ? "too few to copy" : r.cut == 1 ? "the last one copies" : "the last " + number(r.cut) + " copy"));
  }
  Rng rng{seed_, Purpose::donor, id.value, member(id).exploits};
  const std::vector<Entry> best(r.all.begin(), r.all.begin() + r.cut);
  const auto [donor, worth_waiting] = choose(id, best, rng, history);
  if (donor) return copies(id, r, {*donor, *donor, true}, history);
  if (worth_waiting) return {Judgement::What::waits, {}, {}, {}};
  return goes_on(place + ", but none of the best " + number(r.cut) + " is better and has saved since it was scored");
}

// MF-PBT's asymmetric migration: whoever stands above those that copy takes the weights of better members elsewhere. From a
// sub-population that is judged more seldom come its parameters too; those of one that is judged more often would be greedy,
// so the best of the own ones lends its own.
Pbt::Judgement Pbt::migrates(TrialId id, const Ranking& r, const History& history) const {
  Rng rng{seed_, Purpose::donor, id.value, member(id).exploits};
  const auto [donor, worth_waiting] = choose(id, best_elsewhere(id, static_cast<std::size_t>(r.cut)), rng, history);
  if (worth_waiting && !donor) return {Judgement::What::waits, {}, {}, {}};
  if (!donor)
    return {Judgement::What::goes_on, {},
            "rank " + number(r.rank) + " of " + number(static_cast<std::int64_t>(r.all.size())) + " at step " +
                number(member(id).step) + ", and nobody elsewhere is better and has saved since it was scored", {}};
  return copies(id, r, {*donor, frequency(*donor) > frequency(id) ? *donor : r.all.front().trial, false}, history);
}

std::vector<Pbt::Entry> Pbt::best_elsewhere(TrialId id, std::size_t most) const {
  const Member& own = member(id);
  std::vector<Entry> out;
  for (std::size_t i = 0; i < members_.size(); ++i) {
    const Member& m = members_[i];
    const TrialId other{static_cast<std::int64_t>(i)};
    const bool counts = group(other) != group(id) && (m.phase == Phase::going || m.phase == Phase::ready);
    if (counts && m.scored && m.step >= own.step - options_.interval && m.score < own.score) out.push_back({m.score, other});
  }
  std::sort(out.begin(), out.end());
  if (out.size() > most) out.resize(most);
  return out;
}

Pbt::Judgement Pbt::copies(TrialId id, const Ranking& r, const Copy& copy, const History& history) const {
  const Trial& donor = history.trial(copy.donor);
  const Params& base = history.trial(copy.params_of).params;
  const Member &own = member(id), &other = member(copy.donor);
  detail::Explored explored{base, {}};
  if (copy.explores) {
    detail::Explorer::Question q{base, id, own.exploits + 1, donor.checkpoint_step, other.score, {}};
    for (std::size_t i = 0; i < members_.size(); ++i)
      if (members_[i].phase == Phase::going) q.others.push_back(&history.trial({static_cast<std::int64_t>(i)}).params);
    explored = explorer_->explore(q);
  }
  Judgement out{Judgement::What::copies, {}, {}, {}};
  Exploit& e = out.exploit;
  e.trial = id, e.donor = copy.donor, e.attempt = history.trial(id).attempt;
  e.checkpoint = donor.checkpoint, e.step = donor.checkpoint_step;
  e.until_step = after(e.step, options_.interval * frequency(id));
  e.params = std::move(explored.params);

  const auto at = std::find(r.all.begin(), r.all.end(), Entry{other.score, copy.donor});
  const bool here = at != r.all.end();
  out.why = "rank " + number(r.rank) + " of " + number(static_cast<std::int64_t>(r.all.size())) + " at step " + number(own.step) +
            ": goes on from step " + number(e.step) + " of trial " + number(copy.donor.value) +
            (here ? ", rank " + number(at - r.all.begin() + 1) : ", of another sub-population") + ", with " +
            (copy.explores ? detail::sentence(explored.changes)
                           : "the parameters of trial " + number(copy.params_of.value));
  JsonWriter json(out.note);
  json.begin_object().key("quantile").value(options_.quantile).key("copies").value(r.cut);
  json.key("rank").value(r.rank).key("of").value(static_cast<std::int64_t>(r.all.size()));
  json.key("step").value(own.step).key("value").value(history.value(own.score));
  if (here) json.key("donor_rank").value(static_cast<std::int64_t>(at - r.all.begin() + 1));
  json.key("donor_step").value(other.step).key("donor_value").value(history.value(other.score));
  if (copy.params_of != copy.donor) json.key("params_of").value(copy.params_of.value);
  json.key("changes");
  write(json, explored.changes);
  json.end_object();
  return out;
}

// --- by name -----------------------------------------------------------------------------------------------------------

namespace detail {

Result<PbtOptions> pbt_options(const SchedulerContext& c) {
  const auto wrong = [](std::string message, std::string hint) { return Error{Error::Code::invalid, std::move(message), std::move(hint)}; };
  const auto whole = [&](std::string_view name) { return static_cast<std::int64_t>(*to_number(*c.options.find(name))); };
  const Spec& spec = c.spec;
  const std::string& name = spec.scheduler.type;
  if (!spec.checkpoint)
    return wrong(name + " lets trials go on from what others saved, so they must be able to save", "add \"checkpoint\": {}");
  if (spec.logical_order)
    return wrong(name + " needs checkpoints, which arrive when they are written and not in the logical order", "leave `order` out");
  if (spec.replicates.count > 1)
    return wrong(name + " changes a trial's parameters on its way, so that none could repeat it", "leave `replicates` out");
  if (!spec.instances.empty())
    return wrong(name + " changes a trial's parameters on its way, so that its results on the instances would be of several settings", "leave `instances` out");
  if (spec.objectives.size() > 1) return wrong(name + " ranks by one objective", "make the others `outcome_constraints`");

  PbtOptions o;
  if (c.options.contains("population"))
    o.population = whole("population");
  else
    o.population = std::max<std::int64_t>(2, spec.stop.trials.value_or(16));
  if (spec.stop.trials && o.population > *spec.stop.trials)
    return wrong("scheduler.population: " + number(o.population) + " members are more than the " + number(*spec.stop.trials) +
                     " trials of `stop.trials`",
                 "each member is a trial");
  if (!c.options.contains("interval")) return wrong("scheduler.interval: how many steps lie between two exploits?", "\"interval\": 10");
  o.interval = whole("interval");
  if (c.options.contains("max_step")) o.max_step = whole("max_step");
  if (o.max_step && *o.max_step <= o.interval)
    return wrong("scheduler.interval: must be less than max_step, which is " + number(*o.max_step), "");
  o.quantile = *to_number(*c.options.find("quantile"));
  if (const auto* mode = c.options.find("mode")) o.sync = std::get<std::string>(*mode) == "sync";
  if (const auto* p = c.options.find("resample_probability")) o.explore.resample_probability = *to_number(*p);

  const auto factors = numbers_of(c.options.find("perturb"));
  if (!factors || std::any_of(factors->begin(), factors->end(), [](double f) { return !(f > 0) || f == 1 || !std::isfinite(f); }))
    return wrong("scheduler.perturb: a list of numbers above 0, none of them 1", "\"perturb\": [0.8, 1.2]");
  if (!factors->empty()) o.explore.factors = *factors;
  const auto mutate = texts_of(c.options.find("mutate"));
  if (!mutate) return wrong("scheduler.mutate: a list of parameters", "\"mutate\": [\"lr\"]");
  for (const auto& m : *mutate)
    if (!spec.space.find(m)) return wrong("scheduler.mutate: there is no parameter `" + printable(m) + "`", "");
  o.explore.mutate = *mutate;
  const auto frequencies = numbers_of(c.options.find("frequencies"));
  const bool good = frequencies && std::all_of(frequencies->begin(), frequencies->end(), [](double f) { return f >= 1 && f <= 1e6 && f == std::floor(f); });
  if (!good) return wrong("scheduler.frequencies: a list of whole numbers, at least 1", "\"frequencies\": [1, 5, 10]");
  if (!frequencies->empty()) o.frequencies.assign(frequencies->begin(), frequencies->end());
  if (o.frequencies.size() > 1 && 4 * static_cast<std::int64_t>(o.frequencies.size()) > o.population)
    return wrong("scheduler.frequencies: " + number(static_cast<std::int64_t>(o.frequencies.size())) + " sub-populations need at least 4 members each",
                 "\"population\": " + number(4 * static_cast<std::int64_t>(o.frequencies.size())));
  return o;
}

std::vector<Option> pbt_option_table() {
  using Kind = Option::Kind;
  return {{"population", Kind::integer, "", "Members. Default: `stop.trials`.", 2, 100'000},
          {"interval", Kind::integer, "", "Steps between two scores of a member, after which it may copy. Needed.", 1, 1e15},
          {"max_step", Kind::integer, "", "A member that gets here is complete. Default: where it ends by itself.", 2, 1e15},
          {"quantile", Kind::number, "0.25", "Share of members that copies, and share that is copied.", 1e-9, 0.5},
          {"mode", Kind::text, "\"async\"",
           "async: a member is judged when it is ready. sync: when all are.", 0, 0, {"async", "sync"}},
          {"resample_probability", Kind::number, "0.25", "How often a parameter of a clone is drawn anew.", 0, 1},
          {"perturb", Kind::list, "[0.8,1.2]", "Factors, one of which changes a numeric parameter of a clone."},
          {"mutate", Kind::list, "", "Parameters that may change. Default: all."}};
}

}  // namespace detail

SchedulerEntry pbt() {
  auto options = detail::pbt_option_table();
  options.push_back({"frequencies", Option::Kind::list, "[1]",
                     "Sub-populations, each judged every so many intervals: [1, 5, 10] is MF-PBT."});
  return {{"pbt", "A population whose worst members copy the best and change parameters on the way.", options},
          [](const SchedulerContext& c) -> Result<std::unique_ptr<Scheduler>> {
            auto o = detail::pbt_options(c);
            if (!o) return o.error();
            return std::unique_ptr<Scheduler>(std::make_unique<Pbt>(c.spec, *o, std::make_unique<Perturbs>(c.spec, o->explore)));
          }};
}

}  // namespace tune
