// SPDX-License-Identifier: Apache-2.0
// What people may ask for, and what follows.
#include <algorithm>

#include "tuner/experiment.hpp"
#include "tuner/json.hpp"

namespace tune {
namespace {

Error invalid(std::string message, std::string hint = {}) { return {Error::Code::conflict, std::move(message), std::move(hint)}; }

constexpr std::int64_t kEnqueued = 1;  // A person's trials go before the search's, which have 0.

bool is_for_worker(std::string_view verb) { return verb == "cordon" || verb == "uncordon" || verb == "drain"; }

std::int64_t priority_of(const Requested& request) {
  JsonReader args(request.args);
  if (args.next() != JsonReader::Token::object) return kEnqueued;
  while (args.next() == JsonReader::Token::key) {
    if (args.text() != "priority")
      args.skip();
    else if (args.next() == JsonReader::Token::number)
      return args.integer().value_or(kEnqueued);
    else
      return kEnqueued;
  }
  return kEnqueued;
}

}  // namespace

std::optional<Error> Experiment::confirm_objection() const {
  if (spec_.objectives.size() > 1)
    return Error{Error::Code::invalid, "with several objectives there is no single best to confirm", "`tune best` lists the front"};
  if (history_.confirming()) return invalid("a confirmation is under way already", "`tune resume` goes on with it");
  if (!history_.finishing() || !live_.empty())
    return invalid("the experiment is not finished: the leaders may change", "`tune stop` ends it; `tune resume` goes on with it");
  if (!history_.best()) return Error{Error::Code::not_found, "no trial has succeeded, so there is nothing to confirm", {}};
  return std::nullopt;
}

std::optional<Error> Experiment::worker_objection(const Requested& request) const {
  const auto& verb = request.verb;
  if (!is_for_worker(verb)) return Error{Error::Code::invalid, "`" + verb + "` is nothing to ask of a worker", "there are cordon, uncordon and drain"};
  if (!request.worker) return Error{Error::Code::invalid, "`" + verb + "` needs a worker", "`tune workers` lists them"};
  const auto known = history_.workers().find(*request.worker);
  if (known == history_.workers().end())
    return Error{Error::Code::not_found, "there is no worker " + std::to_string(request.worker->value), "`tune workers` lists them"};
  if (known->second.joined.agent.empty())
    return invalid("worker " + std::to_string(request.worker->value) + " is this machine, which no agent offers", "`tune pause` holds the experiment");
  return std::nullopt;
}

std::optional<Error> Experiment::objection(const Requested& request) const {
  const auto& verb = request.verb;
  if (request.trial && !history_.contains(*request.trial))
    return Error{Error::Code::not_found, "there is no trial " + std::to_string(request.trial->value), "`tune trials` lists them"};
  if (verb == "enqueue") {
    const auto params = spec_.space.complete(request.params);
    return params ? std::nullopt : std::optional{params.error()};
  }
  if (request.worker || is_for_worker(verb)) return worker_objection(request);
  if (!request.trial) {
    if (verb == "stop" || verb == "cancel") {
      if (history_.finishing()) return invalid("the experiment is finished already");
      return std::nullopt;
    }
    if (verb == "pause" || verb == "resume" || verb == "archive" || verb == "unarchive") return std::nullopt;
    if (verb == "confirm") return confirm_objection();
    return Error{Error::Code::invalid, "`" + verb + "` needs a trial", {}};
  }
  const Trial& t = history_.trial(*request.trial);
  const std::string name = "trial " + std::to_string(t.id.value);
  const std::string is = name + " is " + std::string{to_text(t.state)};
  if (verb == "stop" || verb == "cancel") {
    if (is_final(t.state)) return invalid(is + " already");
    return std::nullopt;
  }
  if (verb == "pause") {
    if (!t.live()) return invalid(is + "; only a running trial can be paused");
    if (!spec_.checkpoint) return invalid(name + " cannot be paused: its config has no `checkpoint`", "stop it instead, or give the config a `checkpoint`");
    return std::nullopt;
  }
  if (verb == "resume") {
    if (t.state != TrialState::paused) return invalid(is + "; only a paused trial can be resumed", is_final(t.state) ? "`tune retry` runs it again" : "");
    return std::nullopt;
  }
  if (verb == "retry") {
    if (!is_final(t.state)) return invalid(is + "; only a finished trial can be retried");
    return std::nullopt;
  }
  if (verb == "priority") return std::nullopt;
  return Error{Error::Code::invalid, "unknown request `" + verb + "`", {}};
}

void Experiment::fold(const Requested& request, const Record& r) {
  const std::string who = request.by.empty() ? "user" : request.by;
  const std::string why = "asked for by " + who;
  const auto& verb = request.verb;
  if (verb == "enqueue") {
    Propose p;
    p.trial = TrialId{history_.size() + static_cast<std::int64_t>(std::count_if(due_.begin(), due_.end(), [](const Decided& d) { return std::holds_alternative<Propose>(d.what); }))};
    const auto params = spec_.space.complete(request.params);
    if (!params) return;  // Refused before it was recorded; a journal of another space may still hold one.
    p.params = params.value();
    p.source = "enqueued";
    p.as_of = learned_;
    p.priority = priority_of(request);
    if (order_) p.until_step = kNoStep;
    if (history_.finishing_) history_.finishing_ = false, history_.finish_why_.clear();
    return owe(std::move(p), r.seq, who, why);
  }
  if (request.worker) return owe(Release{{}, request.worker, verb}, r.seq, who, why);
  if (verb == "confirm") {
    const auto* count = request.params.find("count");
    history_.finishing_ = false, history_.finish_why_.clear();
    repeats_.confirm(count ? static_cast<std::int64_t>(to_number(*count).value_or(1)) : 1, history_);
    return finish_confirming(r.seq);
  }
  if (!request.trial) {
    if (verb == "pause" || verb == "resume") {
      on_hold_ = verb == "pause";
      if (on_hold_ && spec_.checkpoint)
        for (const auto& [id, lease] : live_)
          if (history_.trial(id).asked == Asked::nothing) owe(Pause{id, lease.launch.attempt, {}}, r.seq, who, why);
      if (!on_hold_)
        for (const auto& t : history_.trials_)
          if (t.state == TrialState::paused && t.held) owe(Extend{t.id, t.until_step, {}}, r.seq, who, why);
      return;
    }
    if (verb == "stop") owe_finish(0, std::nullopt, r.seq, who, why);
    if (verb == "cancel") owe_finish(0, TrialState::cancelled, r.seq, who, why);
    return;
  }
  if (!history_.contains(*request.trial)) return;
  Trial& t = at(*request.trial);
  if (verb == "priority") {
    const bool queued = queue_.erase(queue_key(t)) > 0;
    if (const auto* value = request.params.find("priority")) t.priority = static_cast<std::int64_t>(to_number(*value).value_or(0));
    if (queued) queue_.insert(queue_key(t));
  } else if (is_final(t.state)) {
    if (verb != "retry") return;
    if (history_.finishing_) history_.finishing_ = false, history_.finish_why_.clear();
    Retry retry{t.id, t.attempt, {}, {}, {}};
    if (!t.checkpoint.empty()) retry.from = t.checkpoint;
    owe(std::move(retry), r.seq, who, why);
  } else if (verb == "stop") {
    owe(Stop{t.id, t.attempt, t.finite ? TrialState::stopped : TrialState::cancelled, {}}, r.seq, who, why);
  } else if (verb == "cancel") {
    owe(Stop{t.id, t.attempt, TrialState::cancelled, {}}, r.seq, who, why);
  } else if (verb == "pause") {
    owe(Pause{t.id, t.attempt, {}}, r.seq, who, why);
  } else if (verb == "resume" && t.state == TrialState::paused) {
    owe(Extend{t.id, std::max(t.until_step, t.last_step + 1), {}}, r.seq, who, why);
  }
}

}  // namespace tune
