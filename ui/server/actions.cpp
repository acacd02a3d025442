// SPDX-License-Identifier: Apache-2.0
// What a page may ask of an experiment. Its owner decides; an experiment that nobody owns is owned for the length of the call.
#include <algorithm>

#include "tuner/json.hpp"
#include "tuner/nearest.hpp"
#include "ui/api/control.hpp"
#include "ui/server/body.hpp"
#include "ui/server/routes.hpp"

namespace tune {
namespace {

using Kind = JsonNode::Kind;

Error invalid(std::string message, std::string hint = {}) { return {Error::Code::invalid, std::move(message), std::move(hint)}; }

struct Action {
  std::string what, reason;
  std::vector<std::int64_t> trials;
  Params params;
  std::vector<std::string> settings, tags;
  std::optional<std::int64_t> priority, worker;
  std::optional<std::string> note;
  bool on = true;
};

Result<Done> read_text(const JsonMember& from, std::string& into) {
  if (from.value.kind != Kind::string) return invalid("`" + from.key + "` is a text");
  into = from.value.text;
  return Done{};
}
Result<Done> read_texts(const JsonMember& from, std::vector<std::string>& into) {
  if (from.value.kind != Kind::array) return invalid("`" + from.key + "` is a list of texts");
  for (const auto& item : from.value.items) {
    if (item.kind != Kind::string) return invalid("`" + from.key + "` is a list of texts");
    into.push_back(item.text);
  }
  return Done{};
}
Result<Done> read_trials(const JsonMember& from, std::vector<std::int64_t>& into) {
  if (from.value.kind != Kind::array || from.value.items.empty() || from.value.items.size() > 1000)
    return invalid("`trials` is a list of one to a thousand numbers");
  for (const auto& item : from.value.items) {
    if (!item.integer || *item.integer < 0) return invalid("`trials` is a list of one to a thousand numbers");
    into.push_back(*item.integer);
  }
  return Done{};
}
Result<Done> read_params(const JsonMember& from, Params& into) {
  if (from.value.kind != Kind::object) return invalid("`params` is an object of names and values");
  for (const auto& [name, span, value] : from.value.members) {
    if (value.kind == Kind::boolean)
      into.set(name, value.boolean);
    else if (value.kind == Kind::string)
      into.set(name, value.text);
    else if (value.kind == Kind::number)
      value.integer ? into.set(name, *value.integer) : into.set(name, value.number);
    else
      return invalid("`params." + printable(name) + "` is a number, a text, true or false");
  }
  return Done{};
}

Result<Done> read_member(const JsonMember& member, Action& into) {
  const auto& key = member.key;
  if (key == "action") return read_text(member, into.what);
  if (key == "reason") return read_text(member, into.reason);
  if (key == "note") return read_text(member, into.note.emplace());
  if (key == "trials") return read_trials(member, into.trials);
  if (key == "params") return read_params(member, into.params);
  if (key == "settings") return read_texts(member, into.settings);
  if (key == "tags") return read_texts(member, into.tags);
  if (key == "priority") {
    into.priority = member.value.integer;
    return into.priority ? Result<Done>{Done{}} : invalid("`priority` is a whole number");
  }
  if (key == "worker") {
    into.worker = member.value.integer;
    return into.worker ? Result<Done>{Done{}} : invalid("`worker` is a whole number", "`tune workers` lists them");
  }
  if (key == "on") {
    into.on = member.value.boolean;
    return member.value.kind == Kind::boolean ? Result<Done>{Done{}} : invalid("`on` is true or false");
  }
  return invalid("there is no `" + printable(key) + "` in an action",
                 "it has action, trials, worker, params, settings, priority, tags, note, on, reason");
}

Result<Action> read_action(const std::string& body) {
  const auto document = read_body(body);
  if (!document) return document.error();
  Action action;
  for (const auto& member : document->members) {
    if (member.value.kind == Kind::null) continue;
    if (auto read = read_member(member, action); !read) return read.error();
  }
  return action;
}

constexpr std::string_view kRequests[] = {"stop", "cancel", "pause", "resume", "retry", "enqueue", "priority", "archive"};
constexpr std::string_view kOfWorkers[] = {"cordon", "uncordon", "drain"};
constexpr std::string_view kAll[] = {"stop", "cancel", "pause", "resume", "retry", "enqueue", "priority", "archive",
                                     "tag",  "note",   "star",  "set", "cordon", "uncordon", "drain"};

bool is_one_of(std::span<const std::string_view> words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

std::string arguments(const Action& action) {
  std::string out;
  if (action.reason.empty() && !action.priority) return out;
  JsonWriter json(out);
  json.begin_object();
  if (!action.reason.empty()) json.key("reason").value(action.reason);
  if (action.priority) json.key("priority").value(*action.priority);
  json.end_object();
  return out;
}

/// What the owner is asked for, once for each trial or once for the experiment.
Result<Wish> wish_for(const Action& action, std::optional<TrialId> trial) {
  Wish wish;
  wish.by = this_user();
  if (action.what == "set") {
    if (action.settings.empty()) return invalid("what is to be set?", "\"settings\": [\"stop.trials=500\"]");
    if (trial) return invalid("settings belong to an experiment, not to a trial");
    wish.settings = action.settings;
    return wish;
  }
  const bool of_worker = is_one_of(kOfWorkers, action.what);
  if (of_worker != action.worker.has_value()) return invalid("`cordon`, `uncordon` and `drain` take a `worker`, and nothing else does");
  if (of_worker && trial) return invalid("`" + action.what + "` takes a `worker` and no `trials`");
  if (of_worker || is_one_of(kRequests, action.what)) {
    Requested request;
    request.by = wish.by, request.via = "dashboard", request.verb = action.what, request.trial = trial;
    request.params = action.params, request.args = arguments(action);
    if (action.worker) request.worker = WorkerId{*action.worker};
    if (action.what == "enqueue" && (trial || action.params.empty())) return invalid("`enqueue` takes `params` and no `trials`");
    if (action.what == "priority") {
      if (!trial || !action.priority) return invalid("`priority` takes `trials` and `priority`");
      request.params.set("priority", *action.priority);
    }
    if (action.what == "archive" && !action.on) request.verb = "unarchive";
    wish.fact = request;
    return wish;
  }
  Annotated note;
  note.trial = trial, note.by = wish.by;
  if (action.what == "tag") {
    if (action.tags.empty()) return invalid("which tags?", "\"tags\": [\"keep\"]");
    (action.on ? note.tags_added : note.tags_dropped) = action.tags;
  } else if (action.what == "note") {
    if (!action.note) return invalid("what is the note?", "\"note\": \"lr too high\"");
    note.note = action.note;
  } else if (action.what == "star") {
    note.star = action.on;
  } else {
    const auto near = nearest(action.what, std::span<const std::string_view>(kAll));
    return invalid("`" + printable(action.what) + "` is no action",
                   near.empty() ? "stop, cancel, pause, resume, retry, enqueue, priority, tag, note, star, archive, set, cordon, uncordon or drain"
                                : "did you mean `" + std::string(near) + "`?");
  }
  wish.fact = note;
  return wish;
}

}  // namespace

Result<Response> actions(Site& site, const Call& call) {
  const auto action = read_action(call.request.body);
  if (!action) return action.error();
  {
    auto reader = site.readers().take();
    if (!reader) return reader.error();
    if (auto there = site.pulse(**reader, call.name); !there) return there.error();
  }
  std::vector<std::optional<TrialId>> about;
  for (const auto number : action->trials) about.emplace_back(TrialId{number});
  if (about.empty()) about.emplace_back();
  std::vector<Wish> wishes;  // All are read before the first is asked for.
  for (const auto& trial : about) {
    auto wish = wish_for(*action, trial);
    if (!wish) return wish.error();
    wishes.push_back(std::move(*wish));
  }
  for (const auto& wish : wishes)
    if (auto done = carry_out(site.settings().store, call.name, wish); !done) {
      auto refused = done.error();
      return error_response(refused, refused.code == Error::Code::invalid ? 409 : 0);
    }
  return json_response("{\"done\":true}");
}

}  // namespace tune
