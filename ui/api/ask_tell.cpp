// SPDX-License-Identifier: Apache-2.0
#include "ui/api/ask_tell.hpp"

#include <algorithm>
#include <cmath>

#include "tuner/nearest.hpp"
#include "ui/api/turn.hpp"

namespace tune {
namespace {

// Whoever asks is this machine's worker, with room for one trial more than are out.
constexpr WorkerId kOutside{0};
constexpr std::size_t kLeastRoom = 8;

Offer room_for(const Resources& each, std::size_t trials) {
  const auto n = static_cast<double>(trials);
  Offer offer;
  offer.cpus = each.cpus * n;
  const auto devices = static_cast<int>(std::ceil(each.gpus * n));
  for (int i = 0; i < devices; ++i) offer.devices.push_back({i, {}});
  for (const auto& [name, amount] : each.custom) offer.custom[name] = amount * n;
  return offer;  // Memory of an unknown amount is never short.
}

std::string named(TrialId id) { return "trial " + std::to_string(id.value); }

Error conflict(std::string message, std::string hint = {}) {
  return {Error::Code::conflict, std::move(message), std::move(hint)};
}
Error invalid(std::string message, std::string hint = {}) {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

}  // namespace

Result<std::unique_ptr<AskTell>> AskTell::begin(Result<std::unique_ptr<Sweep>> opened) {
  if (!opened) return opened.error();
  if ((*opened)->spec().logical_order)
    return invalid("`\"order\": \"logical\"` needs to know when each trial runs, and here somebody else runs them",
                   "leave `order` out of the config");
  std::unique_ptr<AskTell> self(new AskTell(std::move(opened).value()));
  if (auto done = self->sweep_->record_settings(); !done) return done.error();
  return self;
}

Result<std::unique_ptr<AskTell>> AskTell::open(Spec spec, SweepOptions options) {
  return begin(Sweep::open(std::move(spec), std::move(options)));
}

Result<std::unique_ptr<AskTell>> AskTell::open_existing(const std::string& name, SweepOptions options) {
  return begin(Sweep::open_existing(name, std::move(options)));
}

// --- ask

void AskTell::offer_room(Turn& turn) const {
  const auto& x = turn.experiment();
  const auto& each = spec().resources;
  if (x.placement().find(each)) return;
  const std::size_t room = std::max(kLeastRoom, 2 * (x.live() + 1));
  turn.observe(WorkerJoined{kOutside, "", "outside", "", "", TUNE_VERSION, room_for(each, room), spec().required_labels, {}});
}

void AskTell::take_back(Turn& turn, Duration lease) const {
  std::vector<const Trial*> late;
  for (const auto& t : turn.history().trials())
    if (t.live() && t.launched_at + lease.seconds < turn.now().seconds) late.push_back(&t);
  for (const auto* t : late) {
    Exited gone{t->id, t->attempt, Cause::lost, {}, {}, 0, {}, t->reports, "nothing was told within the lease"};
    gone.usage.seconds = turn.now().seconds - t->launched_at;
    turn.observe(std::move(gone));
    turn.decide();
  }
}

void AskTell::explain_nothing(const Experiment& x) {
  const auto& h = x.history();
  const auto& parallel = spec().parallel;
  if (h.finishing())
    nothing_ = {true, h.finish_why()};
  else if (parallel && x.live() >= static_cast<std::size_t>(*parallel))
    nothing_ = {false, std::to_string(x.live()) + " trials are out, and executor.parallel allows " +
                           std::to_string(*parallel)};
  else if (!h.may_start() && x.live() > 0)
    nothing_ = {false, "all " + std::to_string(h.size()) + " trials are given out"};
  else if (x.live() > 0)
    nothing_ = {false, "what comes next waits for the " + std::to_string(x.live()) + " trials that are out"};
  else
    nothing_ = {false, "the experiment is held back by a person, or a trial waits before it is tried again"};
}

Result<std::optional<AskTell::Asked>> AskTell::ask(std::optional<Duration> lease) {
  const std::lock_guard lock(mutex_);
  std::optional<Asked> asked;
  const auto done = sweep_->turn([&](Turn& turn) -> Result<Done> {
    const auto& h = turn.history();
    if (lease) take_back(turn, *lease);
    if (h.finishing()) return Done{};
    if (const auto due = turn.experiment().wake_at(); due && turn.now() >= *due) turn.observe(TimePassed{});
    offer_room(turn);
    std::string why;
    while (const Decided* decided = turn.decide_one()) {
      if (std::holds_alternative<Propose>(decided->what)) why = decided->reason.why;
      const auto* launch = std::get_if<Launch>(&decided->what);
      if (!launch) continue;
      const auto& t = h.trial(launch->trial);
      asked = Asked{t.id, launch->attempt, t.params, launch->until_step, t.last_step,
                    why.empty() ? decided->reason.why : why};
      turn.observe(Started{t.id, launch->attempt, 0, kOutside, 0});
      break;
    }
    return Done{};
  });
  if (!done) return done.error();
  if (!asked) explain_nothing(sweep_->experiment());
  return asked;
}

// --- report and tell

std::optional<Error> AskTell::objection(TrialId id) const {
  const auto& h = history();
  if (!h.contains(id))
    return Error{Error::Code::not_found, "there is no " + named(id),
                 h.size() ? "they go from 0 to " + std::to_string(h.size() - 1) : "ask for one first"};
  const auto& t = h.trial(id);
  if (is_final(t.state)) return conflict(named(id) + " is " + std::string(to_text(t.state)) + " already");
  if (!t.live()) return conflict(named(id) + " is " + std::string(to_text(t.state)) + ": it is in nobody's hands");
  return std::nullopt;
}

std::optional<Error> AskTell::objection(const Trial& t, std::int64_t step, const Metrics& metrics) const {
  const auto& wanted = spec().objectives.front().metric;
  if (!metrics.find(wanted)) {
    const auto near = metrics.names ? nearest(wanted, *metrics.names) : std::string_view{};
    return invalid("no value of `" + printable(wanted) + "`, the objective",
                   near.empty() ? printable(wanted) + "=0.3" : "you gave `" + printable(near) + "`");
  }
  if (step <= t.last_step)
    return invalid("step " + std::to_string(step) + " was told after step " + std::to_string(t.last_step),
                   "steps count from 1 and only grow");
  return std::nullopt;
}

Result<AskTell::Order> AskTell::report(TrialId id, std::int64_t step, const Metrics& metrics) {
  const std::lock_guard lock(mutex_);
  if (auto wrong = objection(id)) return *wrong;
  const Trial& t = history().trial(id);
  if (auto wrong = objection(t, step, metrics)) return *wrong;
  const auto done = sweep_->turn([&](Turn& turn) -> Result<Done> {
    turn.observe(Reported{id, t.attempt, t.reports + 1, step, metrics, {}, {}, false});
    turn.decide();
    return Done{};
  });
  if (!done) return done.error();
  return t.asked == tune::Asked::stop ? Order::stop : t.asked == tune::Asked::pause ? Order::pause : Order::go_on;
}

Result<TrialState> AskTell::tell(TrialId id, const Told& told) {
  const std::lock_guard lock(mutex_);
  if (auto wrong = objection(id)) return *wrong;
  const Trial& t = history().trial(id);
  const bool ends_well = told.cause == Cause::done;
  if (told.metrics.size() > 0 || (ends_well && t.reports == 0))
    if (auto wrong = objection(t, told.step.value_or(t.last_step + 1), told.metrics)) return *wrong;
  for (std::size_t o = 1; ends_well && o < spec().objectives.size(); ++o) {
    const auto& metric = spec().objectives[o].metric;
    const bool known = o < t.values.size() && !std::isnan(t.values[o]);
    if (!known && !told.metrics.find(metric)) return invalid("no value of `" + printable(metric) + "`, an objective");
  }

  const auto done = sweep_->turn([&](Turn& turn) -> Result<Done> {
    if (told.metrics.size() > 0) {
      const auto step = told.step.value_or(t.last_step + 1);
      turn.observe(Reported{id, t.attempt, t.reports + 1, step, told.metrics, {}, {}, true});
      turn.decide();
    }
    if (told.cause == Cause::cancelled) {
      Requested cancel;
      cancel.by = "outside", cancel.via = "tell", cancel.verb = "cancel", cancel.trial = id;
      turn.observe(std::move(cancel));
      turn.decide();
    }
    Exited end{id, t.attempt, told.cause, {}, {}, 0, {}, t.reports, told.text};
    end.usage.seconds = turn.now().seconds - t.launched_at;
    if (ends_well && t.asked == tune::Asked::stop) end.cause = Cause::stopped;
    if (ends_well && t.asked == tune::Asked::pause) end.cause = Cause::paused;
    turn.observe(std::move(end));
    turn.decide();
    // The last trial of the budget: the experiment is over, and says so.
    const auto next = turn.experiment().live() == 0 ? turn.experiment().next() : std::nullopt;
    if (next && std::holds_alternative<Finish>(next->what)) turn.decide_one();
    turn.decide();
    return Done{};
  });
  if (!done) return done.error();
  return t.state;
}

}  // namespace tune
