// SPDX-License-Identifier: Apache-2.0
// What programs ask of a server rather than people: to run experiments, for trials, and to hear what trials report.
#include <filesystem>

#include "tuner/config.hpp"
#include "tuner/json.hpp"
#include "ui/api/ask_lines.hpp"
#include "ui/api/control.hpp"
#include "ui/api/owner.hpp"
#include "ui/api/policies.hpp"
#include "ui/server/asking.hpp"
#include "ui/server/body.hpp"
#include "ui/server/relay.hpp"
#include "ui/server/routes.hpp"
#include "ui/view/trial_log.hpp"

namespace tune {
namespace {

using Kind = JsonNode::Kind;

Error invalid(std::string message, std::string hint = {}) { return {Error::Code::invalid, std::move(message), std::move(hint)}; }

Result<Owner*> owner_of(Site& site) {
  if (auto* owner = site.settings().owner) return owner;
  return Error{Error::Code::conflict, "this server shows experiments and runs none", "`tune serve` runs them"};
}

/// What is to be run, and how.
struct Submission {
  std::string config;
  bool named = false;
  std::vector<std::string> settings;
  SweepOptions::Resume resume = SweepOptions::Resume::automatic;
  bool run = true;
};

Result<Done> read_member(const JsonMember& member, Submission& into) {
  const auto& [key, value] = std::pair<const std::string&, const JsonNode&>(member.key, member.value);
  if (key == "config") {
    if (value.kind != Kind::object) return invalid("`config` is the config, an object");
    into.config = to_json(value);
    into.named |= value.find("name") != nullptr;
  } else if (key == "settings") {
    if (value.kind != Kind::array) return invalid("`settings` is a list of texts", "\"settings\": [\"stop.trials=500\"]");
    for (const auto& item : value.items) {
      if (item.kind != Kind::string) return invalid("`settings` is a list of texts", "\"settings\": [\"stop.trials=500\"]");
      into.settings.push_back(item.text);
      into.named |= item.text.starts_with("name=");
    }
  } else if (key == "resume") {
    if (value.text != "auto" && value.text != "never") return invalid("`resume` is \"auto\" or \"never\"");
    if (value.text == "never") into.resume = SweepOptions::Resume::never;
  } else if (key == "run") {
    if (value.kind != Kind::boolean) return invalid("`run` is true or false");
    into.run = value.boolean;
  } else {
    return invalid("there is no `" + printable(key) + "` in a submission", "it has config, settings, resume, run");
  }
  return Done{};
}

Result<Submission> read_submission(const std::string& body) {
  const auto document = read_body(body);
  if (!document) return document.error();
  Submission out;
  for (const auto& member : document->members)
    if (auto read = read_member(member, out); !read) return read.error();
  if (out.config.empty()) return invalid("a submission has a `config`", "{\"config\": {\"name\": …}}");
  if (!out.named) return invalid("a config that is submitted has a `name`", "\"name\": \"digits\"");
  return out;
}

/// All that is wrong with a config, a line each.
Error complaint(const std::vector<Diagnostic>& diagnostics) {
  Error out{Error::Code::invalid, {}, {}};
  for (const auto& one : diagnostics) {
    if (one.severity != Diagnostic::Severity::error) continue;
    out.message += (out.message.empty() ? "" : "\n") + one.code + ": " + one.message;
    if (out.hint.empty()) out.hint = one.hint;
  }
  return out;
}

Result<Spec> spec_of(const Submission& submission) {
  // Relative paths in it start from where the server was started.
  const auto folder = std::filesystem::current_path().string();
  auto read = read_config(submission.config, {catalogue(), "config.json", folder, submission.settings, submission.run});
  if (!read.spec) return complaint(read.diagnostics);
  return std::move(*read.spec);
}

Response created(const std::string& name, std::string_view state) {
  std::string out;
  JsonWriter(out).begin_object().key("name").value(name).key("state").value(state).end_object();
  auto response = json_response(std::move(out));
  response.status = 201;
  response.headers.emplace_back("Location", "/api/v1/experiments/" + name);
  return response;
}

Response done() { return json_response("{\"done\":true}"); }

}  // namespace

Result<Response> served(Site& site, const Call& call) {
  std::string out;
  JsonWriter json(out);
  const auto* owner = site.settings().owner;
  json.begin_object().key("serves").value(owner && !site.only_shows(call)).key("experiments").begin_array();
  if (owner)
    for (const auto& one : owner->standings())
      json.begin_object().key("name").value(one.name).key("state").value(to_text(one.state)).key("text").value(one.text)
          .key("failed").value(one.failed).end_object();
  json.end_array().end_object();
  return json_response(std::move(out));
}

Result<Response> submit(Site& site, const Call& call) {
  auto owner = owner_of(site);
  if (!owner) return owner.error();
  const auto submission = read_submission(call.request.body);
  if (!submission) return submission.error();
  auto spec = spec_of(*submission);
  if (!spec) return spec.error();
  if (!submission->run) {
    const auto name = (*owner)->create(std::move(*spec), this_user());
    if (!name) return name.error();
    return created(*name, "asked");
  }
  site.asking().release(spec->name);
  const auto name = (*owner)->submit(std::move(*spec), submission->resume, this_user());
  if (!name) return name.error();
  return created(*name, "waiting");
}

Result<Response> run_experiment(Site& site, const Call& call) {
  auto owner = owner_of(site);
  if (!owner) return owner.error();
  site.asking().release(call.name);
  if (auto lined_up = (*owner)->run(call.name, this_user()); !lined_up) return lined_up.error();
  return done();
}

Result<Response> end_experiment(Site& site, const Call& call) {
  auto owner = owner_of(site);
  if (!owner) return owner.error();
  auto document = read_body(call.request.body);
  if (!document) return document.error();
  auto how = Inbox::Ending::stop;
  for (const auto& [key, span, value] : document->members) {
    if (key != "how") return invalid("there is no `" + printable(key) + "` here", "{\"how\": \"drain\"}");
    if (value.text != "stop" && value.text != "drain" && value.text != "kill")
      return invalid("`how` is stop (trials save and end), drain (they finish) or kill");
    how = value.text == "drain" ? Inbox::Ending::drain : value.text == "kill" ? Inbox::Ending::kill : Inbox::Ending::stop;
  }
  if (auto ended = (*owner)->let_go(call.name, how, this_user()); !ended) return ended.error();
  return done();
}

Result<Response> ask(Site& site, const Call& call) {
  auto answer = site.asking().with(call.name, [&](AskTell& experiment) { return AskLines(experiment).serve(call.request.body); });
  if (!answer) return answer.error();
  return json_response(std::move(*answer));
}

Result<Response> reports(Site& site, const Call& call) {
  auto lines = read_report_lines(call.request.body);
  if (!lines) return lines.error();
  const auto link = store_folder(site.settings().store) + "/" + call.name + "/trials.sock";
  auto stream = site.relay().carry(link, site.token_of(call), std::move(lines->lines), lines->answers);
  if (!stream) return stream.error();
  Response response;
  response.content_type = "application/x-ndjson";
  response.stream = std::move(*stream);
  return response;
}

}  // namespace tune
