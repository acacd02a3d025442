// SPDX-License-Identifier: Apache-2.0
#include "ui/api/ask_lines.hpp"

#include <limits>

#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "tuner/units.hpp"

namespace tune {
namespace {

Error invalid(std::string message, std::string hint = {}) {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

Result<JsonNode> parse(std::string_view line) {
  std::string fault;
  auto node = parse_json(line, 0, [&](const JsonFault& found) {
    if (fault.empty()) fault = found.message;
  });
  if (!node || !fault.empty()) return invalid("no JSON: " + fault);
  if (node->kind != JsonNode::Kind::object) return invalid("a request is an object", R"({"ask":{}})");
  return std::move(*node);
}

const JsonNode* member(const JsonNode& node, std::string_view key) {
  const auto* found = node.find(key);
  return found ? &found->value : nullptr;
}

std::optional<double> number_of(const JsonNode& node) {
  if (node.kind == JsonNode::Kind::number) return node.number;
  if (node.kind != JsonNode::Kind::string) return std::nullopt;
  if (node.text == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (node.text == "inf") return std::numeric_limits<double>::infinity();
  if (node.text == "-inf") return -std::numeric_limits<double>::infinity();
  return std::nullopt;
}

Result<Metrics> metrics_of(const JsonNode& request) {
  const auto* given = member(request, "metrics");
  Metrics out;
  if (!given) return out;
  if (given->kind != JsonNode::Kind::object) return invalid("`metrics` is an object", R"("metrics":{"loss":0.3})");
  std::vector<std::string> names;
  for (const auto& member : given->members) {
    const auto value = number_of(member.value);
    if (!value) return invalid("`" + printable(member.key) + "` is no number");
    names.push_back(member.key), out.values.push_back(*value);
  }
  out.names = std::make_shared<const std::vector<std::string>>(std::move(names));
  return out;
}

Result<TrialId> trial_of(const JsonNode& node) {
  if (node.kind != JsonNode::Kind::number || !node.integer || *node.integer < 0)
    return invalid("which trial? Its number is wanted");
  return TrialId{*node.integer};
}

Result<std::optional<std::int64_t>> step_of(const JsonNode& request) {
  const auto* given = member(request, "step");
  if (!given) return std::optional<std::int64_t>{};
  if (given->kind != JsonNode::Kind::number || !given->integer) return invalid("`step` is a whole number");
  return given->integer;
}

// Each writes the answer's members.
Result<Done> serve_ask(AskTell& experiment, const JsonNode& how, JsonWriter& out) {
  std::optional<Duration> lease;
  if (const auto* given = member(how, "lease")) {
    lease = given->kind == JsonNode::Kind::string ? parse_duration(given->text) : std::nullopt;
    if (!lease) return invalid("`lease` is a duration", R"("lease":"10m")");
  }
  const auto asked = experiment.ask(lease);
  if (!asked) return asked.error();
  if (*asked) {
    write(out, **asked);
  } else {
    const auto& nothing = experiment.reason();
    out.key("nothing").begin_object().key("over").value(nothing.over).key("why").value(nothing.why).end_object();
  }
  return Done{};
}

Result<Done> serve_report(AskTell& experiment, const JsonNode& request, const JsonNode& which, JsonWriter& out) {
  const auto trial = trial_of(which);
  const auto metrics = metrics_of(request);
  const auto step = step_of(request);
  if (!trial) return trial.error();
  if (!metrics) return metrics.error();
  if (!step) return step.error();
  if (!*step) return invalid("a report has a `step`");
  const auto order = experiment.report(*trial, **step, *metrics);
  if (!order) return order.error();
  out.key("order").value(to_text(*order));
  return Done{};
}

Result<Done> serve_tell(AskTell& experiment, const JsonNode& request, const JsonNode& which, JsonWriter& out) {
  const auto trial = trial_of(which);
  auto metrics = metrics_of(request);
  const auto step = step_of(request);
  if (!trial) return trial.error();
  if (!metrics) return metrics.error();
  if (!step) return step.error();
  AskTell::Told told{std::move(*metrics), *step, Cause::done, {}};
  if (const auto* state = member(request, "state")) {
    const auto cause = ending(state->text);
    if (!cause) return invalid("`state` is complete, failed, infeasible, cancelled or lost");
    told.cause = *cause;
  }
  if (const auto* text = member(request, "text")) told.text = text->text;
  const auto state = experiment.tell(*trial, told);
  if (!state) return state.error();
  out.key("told").value(trial->value).key("state").value(to_text(*state));
  return Done{};
}

Result<Done> serve_best(const AskTell& experiment, JsonWriter& out) {
  const auto& history = experiment.history();
  out.key("best");
  const auto best = history.best();
  if (!best) return out.null(), Done{};
  const auto& trial = history.trial(*best);
  out.begin_object();
  write(out, AskTell::Asked{trial.id, trial.attempt, trial.params, kNoStep, trial.last_step, {}});
  out.key("value").value(trial.values.front()).end_object();
  if (history.front().members().empty()) return Done{};
  out.key("front").begin_array();
  for (const auto& member : history.front().members()) {
    const auto& one = history.trial(member.trial);
    out.begin_object();
    write(out, AskTell::Asked{one.id, one.attempt, one.params, kNoStep, one.last_step, {}});
    out.key("values").begin_object();
    for (std::size_t o = 0; o < member.values.size(); ++o)
      out.key(history.spec().objectives[o].metric).value(member.values[o]);
    out.end_object().end_object();
  }
  out.end_array();
  return Done{};
}

Result<Done> serve_request(AskTell& experiment, const JsonNode& request, JsonWriter& out) {
  if (const auto* how = member(request, "ask")) return serve_ask(experiment, *how, out);
  if (const auto* which = member(request, "report")) return serve_report(experiment, request, *which, out);
  if (const auto* which = member(request, "tell")) return serve_tell(experiment, request, *which, out);
  if (member(request, "best")) return serve_best(experiment, out);
  return invalid("a request has `ask`, `report`, `tell` or `best`", R"({"ask":{}})");
}

}  // namespace

std::optional<Cause> ending(std::string_view word) {
  if (word == "complete") return Cause::done;
  if (word == "failed") return Cause::exit;
  if (word == "infeasible") return Cause::infeasible;
  if (word == "cancelled") return Cause::cancelled;
  if (word == "lost") return Cause::lost;
  return std::nullopt;
}

std::string_view to_text(AskTell::Order order) {
  return order == AskTell::Order::stop ? "stop" : order == AskTell::Order::pause ? "pause" : "continue";
}

void write(JsonWriter& out, const AskTell::Asked& asked) {
  out.key("trial").value(asked.id.value).key("attempt").value(asked.attempt).key("params").begin_object();
  for (const auto& [name, value] : asked.params) {
    out.key(name);
    std::visit([&](const auto& v) { out.value(v); }, value);
  }
  out.end_object();
  if (asked.until_step != kNoStep) out.key("until_step").value(asked.until_step);
  if (asked.last_step > 0) out.key("last_step").value(asked.last_step);
  if (!asked.why.empty()) out.key("why").value(asked.why);
}

std::string AskLines::answer(std::string_view line) {
  std::string text, id;
  const auto request = parse(line);
  if (request)
    if (const auto* given = member(*request, "id")) id = to_json(*given);
  const auto begin = [&](JsonWriter& out) {
    out.begin_object();
    if (!id.empty()) out.key("id").raw(id);
  };
  JsonWriter out(text);
  begin(out);
  const auto done = request ? serve_request(experiment_, *request, out) : Result<Done>{request.error()};
  if (done) {
    out.end_object();
    return text;
  }
  text.clear();
  JsonWriter failure(text);
  begin(failure);
  failure.key("error").value(done.error().message);
  if (!done.error().hint.empty()) failure.key("hint").value(done.error().hint);
  failure.end_object();
  return text;
}

Result<std::string> AskLines::serve(std::string_view text) {
  const auto request = parse(text);
  if (!request) return request.error();
  std::string out;
  JsonWriter json(out);
  json.begin_object();
  if (auto done = serve_request(experiment_, *request, json); !done) return done.error();
  json.end_object();
  return out;
}

}  // namespace tune
