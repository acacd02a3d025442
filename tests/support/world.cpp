// SPDX-License-Identifier: Apache-2.0
#include "support/world.hpp"

#include "schedulers/grow.hpp"
#include "schedulers/rules.hpp"
#include "tuner/json.hpp"
#include "tuner/unattended.hpp"

namespace tune::test {
namespace {

Value parsed(const Option& o) {
  if (o.kind == Option::Kind::list || o.kind == Option::Kind::resources) return std::string{o.fallback};
  JsonReader reader{o.fallback};
  switch (reader.next()) {
    case JsonReader::Token::boolean:
      return reader.boolean();
    case JsonReader::Token::string:
      return std::string{reader.text()};
    default:
      break;
  }
  if (o.kind == Option::Kind::integer) return *reader.integer();
  return reader.number();
}

template <class Entry>
const Entry& entry(std::span<const Entry> all, std::string_view name) {
  for (const auto& e : all)
    if (e.info.name == name) return e;
  throw std::out_of_range("no entry " + std::string{name});
}

Dimension dimension(std::string name, Dimension::Kind kind, double min = 0, double max = 0, double step = 0) {
  Dimension d;
  d.name = std::move(name), d.kind = kind, d.min = min, d.max = max, d.step = step;
  return d;
}

std::string about(TrialId t) { return "trial " + std::to_string(t.value); }

}  // namespace

Params with_defaults(const PolicyInfo& info, Params given) {
  for (const auto& o : info.options)
    if (!o.fallback.empty() && !given.contains(o.name)) given.set(std::string{o.name}, parsed(o));
  return given;
}

const SamplerEntry& sampler_entry(std::string_view name) { return entry(samplers(), name); }
bool serves(const Spec& spec) {
  const auto& search = sampler_entry(spec.search.type);
  return search.make({spec.space, spec.objectives, spec.seed, with_defaults(search.info, spec.search.options)}).has_value() &&
         make_scheduler(spec).has_value();
}

const SchedulerEntry& scheduler_entry(std::string_view name) { return entry(schedulers(), name); }

Result<std::unique_ptr<Scheduler>> make_scheduler(const Spec& spec) {
  const auto& chosen = scheduler_entry(spec.scheduler.type);
  auto scheduler = chosen.make({spec, with_defaults(chosen.info, spec.scheduler.options)});
  if (!scheduler) return scheduler.error();
  auto ruled = with_rules(std::move(scheduler).value(), spec);
  if (!ruled) return ruled.error();
  return with_grow(std::move(ruled).value(), spec);
}

Space mixed_space() {
  using Kind = Dimension::Kind;
  Dimension optimizer = dimension("optimizer", Kind::choice);
  optimizer.values = {std::string{"sgd"}, std::string{"adam"}};
  Dimension momentum = dimension("momentum", Kind::uniform, 0.5, 0.99);
  momentum.when = {{"optimizer", Test::Op::in, {std::string{"sgd"}}, 0}};
  return Space::make({dimension("lr", Kind::loguniform, 1e-5, 1e-1), dimension("width", Kind::logint, 16, 1024),
                      dimension("dropout", Kind::uniform, 0, 0.6, 0.05), optimizer, momentum})
      .value();
}

Space small_finite_space() {
  using Kind = Dimension::Kind;
  Dimension kind = dimension("kind", Kind::choice);
  kind.values = {std::string{"plain"}, std::string{"deep"}, std::string{"wide"}};
  Dimension depth = dimension("depth", Kind::integer, 1, 4);
  depth.when = {{"kind", Test::Op::in, {std::string{"deep"}}, 0}};
  return Space::make({dimension("x", Kind::integer, 0, 3), kind, depth}, {"x + depth <= 5"}).value();
}

Spec simulated_spec(Space space) {
  Spec spec;
  spec.name = "simulated";
  spec.seed = 1;
  Objective loss;
  loss.metric = "loss";
  spec.objectives = {loss};
  spec.space = std::move(space);
  spec.command = {"simulated"};
  spec.checkpoint.emplace();
  spec.search = {"random", {}};
  spec.stop.trials = 20;
  return spec;
}

// --- invariants
// -------------------------------------------------------------------------------------------------------

Invariants::Invariants(const Space& space, int slots_of_a_worker)
    : space_(space), slots_(slots_of_a_worker), finite_(space.cardinality() && *space.cardinality() < 1'000'000) {}

std::string Invariants::see(const Record& r) {
  if (r.seq != seq_ + 1) return "seq " + std::to_string(r.seq) + " follows " + std::to_string(seq_);
  seq_ = r.seq;
  if (r.at < at_) return "time goes back at " + std::to_string(r.seq);
  at_ = r.at;
  auto wrong = see_attempt(r);
  if (wrong.empty()) wrong = see_policy(r);
  return wrong.empty() ? wrong : "record " + std::to_string(r.seq) + ", " + std::string{kind(r)} + ": " + wrong;
}

void Invariants::leave(const Attempt& a) {
  for (const auto worker : a.workers) --busy_[worker];
}

void Invariants::leave_copy(Attempt& a) {
  if (a.copy_on) --busy_[*a.copy_on];
  a.copy_on.reset();
}

std::string Invariants::see_copy(const Record& r, Attempt& a) {
  if (const auto* s = r.as<Speculate>()) {
    if (!a.live || !a.started) return "a copy of what does not run";
    if (a.copy_on) return "a second copy";
    if (s->attempt <= std::max(a.number, a.newest_copy)) return "a copy with a number that was used";
    a.newest_copy = s->attempt;
    a.copy_on = s->ranks.front().worker.value;
    if (a.workers.front() == *a.copy_on) return "a copy beside its attempt, on one worker";
    if (++busy_[*a.copy_on] > slots_) return "worker " + std::to_string(*a.copy_on) + " holds more than it has slots";
  } else if (const auto* e = r.as<EndCopy>()) {
    if (!a.copy_on || e->attempt != a.newest_copy) return "the end of a copy that there is not";
    leave_copy(a);
  } else if (const auto* x = r.as<CopyExited>(); x && x->attempt == a.newest_copy) {
    leave_copy(a);
  }
  return "";
}

std::string Invariants::see_attempt(const Record& r) {
  if (r.as<Opened>())
    for (auto& a : attempts_) leave_copy(a);  // They end with their owner.
  if (r.as<Opened>())  // What ran for trials that were settled meanwhile (in logical order) ended unseen with its
                       // owner.
    for (std::size_t i = 0; i < attempts_.size(); ++i)
      if (Attempt& a = attempts_[i]; a.live && final_[i]) {
        if (a.started) leave(a);
        a.live = false;
      }
  const auto id = trial_of(r);
  if (!id) return "";
  const auto index = static_cast<std::size_t>(id->value);
  if (r.as<Propose>()) {
    if (index != attempts_.size()) return about(*id) + " is not the next one";
    attempts_.emplace_back(), final_.push_back(false);
    return "";
  }
  if (index >= attempts_.size()) return about(*id) + " does not exist";
  Attempt& a = attempts_[index];
  if (const auto* l = r.as<Launch>()) {
    if (final_[index]) return about(*id) + " is final and launched";
    if (a.live) return about(*id) + " is on two live attempts";
    const bool takeover = l->speculative && l->attempt == a.newest_copy;
    if (l->attempt <= a.number || (!takeover && l->attempt != std::max(a.number, a.newest_copy) + 1)) return about(*id) + " skips an attempt";
    if (takeover) leave_copy(a);
    a = {l->attempt, true, false, {}, a.newest_copy, a.copy_on};
    for (const auto& seat : l->ranks) a.workers.push_back(seat.worker.value);
  } else if (const auto* s = r.as<Started>()) {
    if (s->attempt != a.number || !a.live) return about(*id) + " starts an attempt that is not live";
    a.started = true;
    for (const auto worker : a.workers)
      if (++busy_[worker] > slots_) return "worker " + std::to_string(worker) + " holds more than it has slots";
  } else if (const auto* e = r.as<Exited>(); e && e->attempt == a.number) {
    if (!a.live) return about(*id) + " ends twice";
    if (a.started) leave(a);
    a.live = false;
  } else if (r.as<Settle>()) {
    // Once more with what its replicates reduce to.
    if (final_[index] && !repeated_.contains(id->value)) return about(*id) + " is settled twice";
    final_[index] = true;
  } else if (r.as<Retry>()) {
    final_[index] = false;
  }
  return see_copy(r, a);
}

std::string Invariants::see_policy(const Record& r) {
  if (const auto* p = r.as<Propose>()) {
    if (!space_.satisfies(p->params)) return "breaks a constraint";
    if (!space_.encode(p->params)) return "is not of the space";
    if (p->replicate_of) {
      repeated_.insert(p->replicate_of->value);
      return "";
    }
    if (finite_ && !proposed_.insert(fingerprint(p->params)).second) return "proposes what was proposed before";
  }
  const auto once = [&](auto& set, TrialId t, const std::optional<Rung>& rung) -> std::string {
    if (!rung || set.insert({t.value, rung->bracket, rung->rung}).second) return "";
    return about(t) + " has two decisions at rung " + std::to_string(rung->rung);
  };
  if (const auto* e = r.as<Extend>()) {
    // In logical order a paused trial is promoted by Extend, elsewhere by Launch.
    const bool promotion = e->rung && paused_.contains({e->trial.value, e->rung->bracket, e->rung->rung});
    return once(promotion ? promotions_ : crossings_, e->trial, e->rung);
  }
  if (const auto* p = r.as<Pause>()) {
    if (p->rung) paused_.insert({p->trial.value, p->rung->bracket, p->rung->rung});
    return once(crossings_, p->trial, p->rung);
  }
  if (const auto* s = r.as<Stop>()) return once(crossings_, s->trial, s->rung);
  if (const auto* e = r.as<Exploit>()) {
    if (!space_.satisfies(e->params) || !space_.encode(e->params)) return "goes on outside the space";
    if (!saved_.contains(e->checkpoint)) return "goes on from what was never saved";
  }
  if (const auto* c = r.as<Checkpointed>()) saved_.insert(c->checkpoint);
  if (const auto* c = r.as<Collect>())
    for (const auto& gone : c->checkpoints) saved_.erase(gone);
  if (const auto* l = r.as<Launch>()) return once(promotions_, l->trial, l->rung);
  return "";
}

std::string Invariants::at_end() const {
  for (std::size_t i = 0; i < final_.size(); ++i)
    if (!final_[i]) return "trial " + std::to_string(i) + " is not final at the end";
  for (const auto& a : attempts_)
    if (a.live) return "an attempt is live at the end";
  return "";
}

// --- the world
// ----------------------------------------------------------------------------------------------------------

// A kill comes after any record, also in the middle of a batch: harsher than a store, whose commits are whole batches.
Result<Done> MortalStore::append(std::shared_ptr<const Batch> batch) {
  const bool dies = batch->records.back().seq > most;
  if (lies) {
    if (auto last = std::exchange(limbo_, nullptr); last && !dies) keep(std::move(last));
    limbo_ = dies ? nullptr : std::move(batch);
  } else if (!dies) {
    keep(std::move(batch));
  } else if (batch->records.front().seq <= most) {
    Batch cut{*batch};
    std::erase_if(cut.records, [&](const Record& r) { return r.seq > most; });
    keep(std::make_shared<const Batch>(std::move(cut)));
  }
  if (dies) throw Killed{};
  return Done{};
}

void MortalStore::keep(std::shared_ptr<const Batch> batch) {
  for (const auto& r : batch->records)
    if (auto w = invariants_.see(r); wrong.empty()) wrong = std::move(w);
  (void)MemoryStore::append(std::move(batch)).has_value();
}

Result<Done> MortalStore::flush() {
  if (limbo_) keep(std::exchange(limbo_, nullptr));
  return Done{};
}

std::string Ledger::check(const std::vector<Record>& journal) const {
  for (const auto& r : promised_) {
    const auto index = static_cast<std::size_t>(r.seq - 1);
    if (index >= journal.size() || !(journal[index] == r))
      return "record " + std::to_string(r.seq) + " was promised and is not kept";
  }
  return "";
}

std::vector<Record> MortalStore::records() const {
  std::vector<Record> all;
  (void)read(1, [&](Record&& r) { all.push_back(std::move(r)); }).has_value();
  return all;
}

World::World(Spec s, SimulatorOptions o) : spec(std::move(s)), options(o), store(spec.space, o.slots) {
  for (auto& rule : spec.rules) rule.options = with_defaults(scheduler_entry(rule.type).info, rule.options);
  options.alone = true;
}

bool World::run(Seq most) {
  const auto& search = sampler_entry(spec.search.type);
  auto sampler = search.make({spec.space, spec.objectives, spec.seed, with_defaults(search.info, spec.search.options)});
  auto scheduler = make_scheduler(spec);
  if (!sampler) throw std::runtime_error(sampler.error().message);
  if (!scheduler) throw std::runtime_error(scheduler.error().message);
  experiment_ = std::make_unique<Experiment>(spec, std::move(*sampler), std::move(*scheduler));
  Time last{1000};
  (void)store
      .read(1,
            [&](Record&& r) {
              last = r.at;
              experiment_->apply(r);
            })
      .has_value();

  store.most = most;
  Simulator simulator{spec, find_problem(problem, spec, 0).value(), options};
  NobodyAsks inbox;
  ProposesAtOnce proposer;
  try {
    // As the facade does: who has it now is a fact.
    auto begin = std::make_shared<Batch>();
    const auto fact = [&](Observation o) {
      begin->records.push_back({experiment_->next_seq(), last, store.epoch(), std::move(o)});
      experiment_->apply(begin->records.back());
    };
    if (experiment_->history().last_seq() == 0) fact(Configured{"{}", spec.space.hash(), "", "test"});
    fact(Opened{"test", "", "here", "", 1, experiment_->next_seq() == 2 ? "new" : "resume"});
    (void)store.append(begin).has_value();
    auto result = tune::run(*experiment_, {store, simulator, proposer, inbox, ledger});
    if (!result) throw std::runtime_error(result.error().message);
    outcome = *result;
    return true;
  } catch (const Killed&) {
    store.listen({});
    store.reopen();
    return false;
  }
}

std::string World::wrong() const {
  if (!store.wrong.empty()) return store.wrong;
  if (auto broken = ledger.check(store.records()); !broken.empty()) return broken;
  return experiment_ && experiment_->finished() ? store.invariants().at_end() : "";
}

std::string World::table() const {
  std::string out;
  for (const Trial& t : experiment_->history().trials()) {
    out += std::to_string(t.id.value);
    for (const auto& [name, value] : t.params) out += " " + name + "=" + to_text(value);
    out += " " + std::string{to_text(t.state)};
    for (const double v : t.values) out += " " + to_text(v);
    out += " @" + std::to_string(t.last_step) + "\n";
  }
  return out;
}

std::string World::decisions() const {
  std::string out;
  for (const auto& r : store.records())
    if (const auto* d = r.decided()) {
      out += std::string{kind(r)} + " " + std::to_string(trial_of(r).value_or(TrialId{}).value) + " " + d->reason.why +
             "\n";
    }
  return out;
}

}  // namespace tune::test
