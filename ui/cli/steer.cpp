// SPDX-License-Identifier: Apache-2.0
// The verbs that ask an experiment for something. Its owner is asked if there is one; otherwise the experiment is
// opened here for the length of the call.
#include <charconv>

#include "tuner/json.hpp"
#include "ui/api/control.hpp"
#include "ui/cli/run_here.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

/// The wish is durable when this returns.
Result<Done> carry(const Invocation& call, const Subject& subject, const Wish& wish) {
  return carry_out(call.store(), subject.experiment.name, wish);
}

/// What Requested::args holds; empty where nothing was said.
std::string arguments(const std::optional<std::string>& reason, std::optional<std::int64_t> priority = {}) {
  std::string out;
  if (!reason && !priority) return out;
  JsonWriter json(out);
  json.begin_object();
  if (reason) json.key("reason").value(*reason);
  if (priority) json.key("priority").value(*priority);
  json.end_object();
  return out;
}

Requested request(const Invocation& call, const Subject& subject, std::string verb) {
  Requested wish;
  wish.by = this_user(), wish.via = "command line", wish.verb = std::move(verb), wish.trial = subject.trial;
  wish.args = arguments(call.get("reason"));
  return wish;
}

struct Steering {
  const char* verb;
  const char* done;
  enum class Of { both, trials, experiments } of = Of::both;
};

int steer(Invocation& call, const Steering& how) {
  if (call.words().empty())
    return call.fail(usage_error(how.of == Steering::Of::experiments ? "which experiment?"
                                 : how.of == Steering::Of::trials    ? "which trial?"
                                                                     : "which experiment or trial?",
                                 "tune " + std::string(how.verb) + " --help"));
  for (const auto& word : call.words()) {
    const auto subject = how.of == Steering::Of::trials ? find_trial(call, word) : find_subject(call, word);
    if (!subject) return call.fail(subject.error());
    if (subject->trial && how.of == Steering::Of::experiments)
      return call.fail(usage_error("`tune " + std::string(how.verb) + "` takes experiments, not trials"));
    if (std::string_view(how.verb) == "cancel" && !subject->trial && subject->experiment.owned &&
        !call.confirmed("End every running trial of `" + subject->name() + "` now?"))
      return kUnexpected;
    const auto done = carry(call, *subject, {request(call, *subject, how.verb), {}, this_user()});
    if (!done) return call.fail(done.error());
    call.tell(subject->name() + ": " + how.done);
  }
  return kOk;
}

/// A parameter as a person types it: JSON where it is JSON, else text.
Value typed(std::string_view text) {
  JsonReader in(text);
  switch (in.next()) {
    case JsonReader::Token::boolean:
      return in.boolean();
    case JsonReader::Token::number: {
      const Value number = in.integer() ? Value{*in.integer()} : Value{in.number()};
      if (in.next() == JsonReader::Token::end && !in.failed()) return number;
      break;
    }
    case JsonReader::Token::string: {
      std::string inner(in.text());
      if (in.next() == JsonReader::Token::end && !in.failed()) return inner;
      break;
    }
    default:
      break;
  }
  return std::string(text);
}

}  // namespace

int stop_verb(Invocation& call) { return steer(call, {"stop", "no new trials; the running ones finish"}); }
int cancel_verb(Invocation& call) { return steer(call, {"cancel", "cancelled"}); }
int pause_verb(Invocation& call) { return steer(call, {"pause", "held back until `tune resume`"}); }
int retry_verb(Invocation& call) { return steer(call, {"retry", "queued again", Steering::Of::trials}); }
int archive_verb(Invocation& call) {
  return steer(call, {"archive", "left out by `tune ls`; nothing of it is deleted", Steering::Of::experiments});
}
int unarchive_verb(Invocation& call) { return steer(call, {"unarchive", "listed again", Steering::Of::experiments}); }

int resume_verb(Invocation& call) {
  if (call.words().size() != 1) return steer(call, {"resume", "goes on"});
  const auto subject = find_subject(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  if (subject->trial || subject->experiment.owned) return steer(call, {"resume", "goes on"});
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  if (spec->command.empty() && spec->trainable.empty() && spec->executor.type != "simulator")
    return call.fail({Error::Code::invalid, "`" + subject->name() + "` has no command to run: its trials are asked for",
                      "tune ask " + subject->name() + call.store_hint()});
  return run_here(call, *spec, call.store(), call.line(),
                  [&](const SweepOptions& options) -> Result<std::unique_ptr<Sweep>> {
                    auto sweep = Sweep::open_existing(subject->experiment.name, options);
                    if (!sweep) return sweep;
                    if (auto released = (*sweep)->apply({request(call, *subject, "resume")}); !released)
                      return released.error();
                    return sweep;
                  });
}

int enqueue_verb(Invocation& call) {
  auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  auto wish = request(call, *subject, "enqueue");
  for (const auto& assignment : call.all("param")) {
    const auto equals = assignment.find('=');
    if (equals == std::string::npos || equals == 0)
      return call.fail(usage_error("`-p` takes NAME=VALUE, not `" + printable(assignment) + "`",
                                   "tune enqueue " + subject->name() + " -p lr=0.01"));
    wish.params.set(assignment.substr(0, equals), typed(std::string_view(assignment).substr(equals + 1)));
  }
  if (wish.params.empty())
    return call.fail(usage_error("which parameters?", "tune enqueue " + subject->name() + " -p lr=0.01"));
  const auto priority = call.whole("priority");
  if (!priority) return call.fail(priority.error());
  wish.args = arguments(call.get("reason"), *priority);
  const auto done = carry(call, *subject, {wish, {}, this_user()});
  if (!done) return call.fail(done.error());
  call.tell(
      subject->name() + ": queued" +
      (subject->experiment.owned ? "" : "; nobody runs it now: tune resume " + subject->name() + call.store_hint()));
  return kOk;
}

int priority_verb(Invocation& call) {
  if (call.words().empty()) return call.fail(usage_error("which trial?", "tune priority digits/12 --to 5"));
  const auto to = call.get("to");
  if (!to) return call.fail(usage_error("which priority?", "tune priority " + call.words()[0] + " --to 5"));
  std::int64_t priority = 0;
  const auto [end, code] = std::from_chars(to->data(), to->data() + to->size(), priority);
  if (code != std::errc{} || end != to->data() + to->size())
    return call.fail(usage_error("`--to` is a whole number, not `" + printable(*to) + "`"));
  for (const auto& word : call.words()) {
    const auto subject = find_trial(call, word);
    if (!subject) return call.fail(subject.error());
    auto wish = request(call, *subject, "priority");
    wish.params.set("priority", priority);
    const auto done = carry(call, *subject, {wish, {}, this_user()});
    if (!done) return call.fail(done.error());
    call.tell(subject->name() + ": priority " + std::to_string(priority));
  }
  return kOk;
}

int set_verb(Invocation& call) {
  if (call.words().size() < 2)
    return call.fail(usage_error("what is to be set?", "tune set EXPERIMENT stop.trials=500"));
  const auto subject = find_subject(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  if (subject->trial) return call.fail(usage_error("settings belong to an experiment, not to a trial"));
  const std::vector<std::string> settings(call.words().begin() + 1, call.words().end());
  const auto done = carry(call, *subject, {std::nullopt, settings, this_user()});
  if (!done) return call.fail(done.error());
  call.tell(
      subject->name() + ": set" +
      (subject->experiment.owned ? "" : "; nobody runs it now: tune resume " + subject->name() + call.store_hint()));
  return kOk;
}

int tag_verb(Invocation& call) {
  if (call.words().empty()) return call.fail(usage_error("which experiment or trial?", "tune tag digits/42 keep"));
  const auto subject = find_subject(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  Annotated note;
  note.trial = subject->trial, note.by = this_user();
  note.tags_added.assign(call.words().begin() + 1, call.words().end());
  note.tags_dropped = call.all("drop");
  if (note.tags_added.empty() && note.tags_dropped.empty())
    return call.fail(usage_error("which tag?", "tune tag " + subject->name() + " keep"));
  const auto done = carry(call, *subject, {note, {}, this_user()});
  return done ? kOk : call.fail(done.error());
}

int note_verb(Invocation& call) {
  if (call.words().empty())
    return call.fail(usage_error("which experiment or trial?", "tune note digits/42 \"lr too high\""));
  const auto subject = find_subject(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  Annotated note;
  note.trial = subject->trial, note.by = this_user();
  if (call.words().size() > 1) {
    std::string text;
    for (std::size_t i = 1; i < call.words().size(); ++i) text += (i > 1 ? " " : "") + call.words()[i];
    note.note = std::move(text);
  }
  if (call.has("star")) note.star = true;
  if (call.has("unstar")) note.star = false;
  if (!note.note && !note.star)
    return call.fail(usage_error("what is the note?", "tune note " + subject->name() + " \"…\""));
  const auto done = carry(call, *subject, {note, {}, this_user()});
  return done ? kOk : call.fail(done.error());
}

}  // namespace tune
