// SPDX-License-Identifier: Apache-2.0
#include "tuner/json.hpp"
#include "ui/cli/board.hpp"
#include "ui/cli/front.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

std::string attempt_ending(const AttemptRow& attempt) {
  if (!attempt.cause) return attempt.started_at ? "running" : "starting";
  Exited exited;
  exited.cause = *attempt.cause, exited.exit_code = attempt.exit_code, exited.signal = attempt.signal,
  exited.text = attempt.text;
  return ending_text(exited);
}

Listing attempts_listing(const TrialDetail& detail) {
  Listing listing({{"attempt"}, {"form"}, {"launched"}, {"seconds"}, {"cpu"}, {"memory"}, {"pid"}, {"ended", true}});
  for (const auto& a : detail.attempts)
    listing.add({a.attempt, a.form, Shown::shown_as(time_text(a.launched_at), Shown(a.launched_at)),
                 a.seconds ? Shown::shown_as(duration_text(*a.seconds), Shown(*a.seconds)) : Shown(),
                 a.cpu_seconds ? Shown::shown_as(duration_text(*a.cpu_seconds), Shown(*a.cpu_seconds)) : Shown(),
                 a.peak_memory_bytes && *a.peak_memory_bytes
                     ? Shown::shown_as(size_text(*a.peak_memory_bytes), Shown(*a.peak_memory_bytes))
                     : Shown(),
                 a.pid ? Shown(*a.pid) : Shown(), attempt_ending(a)});
  return listing;
}

/// What its attempts ran, together; the waiting between them is not counted.
double ran_seconds(const TrialDetail& detail) {
  double sum = 0;
  for (const auto& a : detail.attempts) sum += a.seconds.value_or(0);
  return sum;
}

std::string environment_text(const Spec& spec) {
  std::string out;
  for (const auto& [name, value] : spec.env)
    out += "  " + printable(name) + (value ? "=" + printable(*value) : " (removed)") + "\n";
  return out;
}

/// "best", "one of 3 best"; empty: neither.
std::string best_text(const Subject& subject, const Spec& spec) {
  if (spec.objectives.size() < 2) return subject.experiment.best_trial == subject.trial ? "best" : "";
  const auto front = front_of(*subject.reader, subject.experiment, spec);
  if (!front || !front->contains(*subject.trial)) return {};
  const auto members = front->members().size();
  return members == 1 ? "best" : "one of " + std::to_string(members) + " best";
}

std::string text(const Invocation& call, const Subject& subject, const TrialDetail& detail, const Spec& spec,
                 const std::string& best) {
  const bool colour = call.colour();
  const auto title = [&](const char* word) { return "\n" + paint(Style::dim, word, colour) + "\n"; };
  const auto& row = detail.row;
  std::string out = paint(Style::bold, subject.name(), colour) + "  " +
                    paint(style_of(row.state), std::string(to_text(row.state)), colour);
  if (row.value) out += "  " + values_text(values_of(row), spec.objectives, colour);
  if (!best.empty()) out += "  " + paint(Style::green, best, colour);
  if (!row.feasible) out += "  " + paint(Style::yellow, "infeasible", colour);
  if (is_final(row.state) && row.cause != Cause::done) out += "  " + std::string(cause_text(row.cause));
  out += "\n  proposed " + time_text(row.proposed_at);
  if (const auto seconds = ran_seconds(detail); is_final(row.state) && seconds > 0)
    out += ", took " + duration_text(seconds);
  out += ", " + std::to_string(row.reports) + " reports, last step " + std::to_string(row.last_step) + "\n";
  std::string tags;
  for (const auto& tag : detail.tags) tags += " " + printable(tag);
  if (detail.star || !tags.empty() || !detail.note.empty())
    out += "  " + std::string(detail.star ? "★" : "") + tags +
           (detail.note.empty() ? "" : "  “" + printable(detail.note) + "”") + "\n";

  out += title("parameters");
  std::size_t widest = 0;
  for (const auto& [name, value] : detail.params) widest = std::max(widest, display_width(printable(name)));
  for (const auto& [name, value] : detail.params)
    out += "  " + pad(printable(name), widest) + "  " + value_text(value) + "\n";
  if (detail.last.size() > 0) {
    out += title("metrics of the last report");
    widest = 0;
    for (const auto& name : *detail.last.names) widest = std::max(widest, display_width(printable(name)));
    for (std::size_t i = 0; i < detail.last.size() && i < 30; ++i) {
      const auto& name = (*detail.last.names)[i];
      out += "  " + pad(printable(name), widest) + "  " + pad(number_text(detail.last.values[i]), 10, true) + "  " +
             sparkline(curve_of(subject, name), 40) + "\n";
    }
  }
  out += title("attempts") + attempts_listing(detail).text(call.width(), colour);
  const auto command =
      command_of(spec, detail.params, row.id, subject.folder(call) + "/" + std::to_string(row.id.value), "PARAMS.json");
  if (command && !command->empty()) out += title("command") + "  " + printable(shell_line(*command)) + "\n";
  if (!spec.env.empty()) out += title("environment") + environment_text(spec);
  return out + "\n" +
         paint(Style::dim, "why: tune explain " + subject.name() + "   output: tune logs " + subject.name(), colour) +
         "\n";
}

std::string json(const Subject& subject, const TrialDetail& detail, const Spec& spec, const Invocation& call,
                 const std::string& best) {
  std::string out;
  JsonWriter w(out);
  const auto& row = detail.row;
  w.begin_object()
      .key("experiment")
      .value(subject.experiment.name)
      .key("trial")
      .value(row.id.value)
      .key("state")
      .value(to_text(row.state));
  w.key("cause")
      .value(to_text(row.cause))
      .key("attempt")
      .value(row.attempt)
      .key("reports")
      .value(row.reports)
      .key("last_step")
      .value(row.last_step);
  w.key("feasible").value(row.feasible).key("best").value(!best.empty());
  if (row.value) w.key("value").value(*row.value);
  if (const auto values = values_of(row); values.size() > 1) {
    w.key("values").begin_object();
    for (std::size_t k = 0; k < values.size() && k < spec.objectives.size(); ++k)
      w.key(spec.objectives[k].metric).value(values[k]);
    w.end_object();
  }
  w.key("params").raw(params_object(detail.params)).key("metrics").begin_object();
  for (std::size_t i = 0; i < detail.last.size(); ++i) w.key((*detail.last.names)[i]).value(detail.last.values[i]);
  w.end_object().key("curve").begin_array();
  for (const double v : curve_of(subject, spec.objectives.front().metric)) w.value(v);
  w.end_array().key("attempts").raw(attempts_listing(detail).json_array());
  w.key("tags").begin_array();
  for (const auto& tag : detail.tags) w.value(tag);
  w.end_array().key("note").value(detail.note).key("star").value(detail.star);
  if (const auto command = command_of(spec, detail.params, row.id,
                                      subject.folder(call) + "/" + std::to_string(row.id.value), "PARAMS.json")) {
    w.key("argv").begin_array();
    for (const auto& word : *command) w.value(word);
    w.end_array();
  }
  w.end_object();
  return out + "\n";
}

}  // namespace

int show_verb(Invocation& call) {
  if (call.words().size() != 1) return call.fail(usage_error("which trial?", "tune show NUMBER, or EXPERIMENT/NUMBER"));
  const auto subject = find_trial(call, call.words()[0]);
  if (!subject) return call.fail(subject.error());
  const auto detail = subject->reader->trial(subject->experiment.id, *subject->trial);
  if (!detail) return call.fail(detail.error());
  const auto spec = spec_of(subject->experiment);
  if (!spec) return call.fail(spec.error());
  const auto best = best_text(*subject, *spec);
  if (call.format() == Invocation::Format::table)
    call.print(text(call, *subject, *detail, *spec, best));
  else
    call.print_exact(json(*subject, *detail, *spec, call, best));
  return kOk;
}

}  // namespace tune
