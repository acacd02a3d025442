// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/report.hpp"

#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "tuner/json.hpp"
#include "ui/cli/front.hpp"
#include "ui/view/text.hpp"
#include "ui/view/trial_text.hpp"

namespace tune {
namespace {

constexpr std::size_t kMostShown = 8;

std::string front_lines(const Front& front, bool colour) {
  const auto& members = front.members();
  std::string out = " " + paint(Style::dim, pad("best", 8), colour) + std::to_string(members.size()) +
                    " trials, none of which beats another in everything\n";
  for (std::size_t i = 0; i < members.size() && i < kMostShown; ++i)
    out += "          " + paint(Style::bold, pad("trial " + std::to_string(members[i].trial.value), 10), colour) + "  " +
           values_text(members[i].values, front.objectives(), colour) + "\n";
  if (members.size() > kMostShown) out += "          … and " + std::to_string(members.size() - kMostShown) + " more\n";
  return out;
}

}  // namespace

bool SweepReport::target_reached() const {
  // Whoever reaches several targets is of the front, or one that is does too.
  const auto reached = [&](TrialId id) { return history_.reached_target(history_.trial(id)); };
  const auto& front = history_.front().members();
  return spec_.stop.target.empty() || (history_.best() && reached(*history_.best())) ||
         std::any_of(front.begin(), front.end(), [&](const auto& m) { return reached(m.trial); });
}

std::string SweepReport::counts() const {
  struct Part {
    TrialState state;
    const char* word;
  };
  static constexpr Part parts[] = {{TrialState::complete, "done"},       {TrialState::stopped, "stopped early"},
                                   {TrialState::failed, "failed"},       {TrialState::infeasible, "infeasible"},
                                   {TrialState::cancelled, "cancelled"}, {TrialState::paused, "paused"},
                                   {TrialState::queued, "queued"}};
  std::string out;
  for (const auto& part : parts)
    if (const auto n = history_.count(part.state))
      out += (out.empty() ? "" : ", ") + std::to_string(n) + " " + part.word;
  return out.empty() ? "none" : out;
}

std::string SweepReport::text(bool interrupted, const std::string& again, bool colour) const {
  const auto label = [&](const char* word) { return " " + paint(Style::dim, pad(word, 8), colour); };
  const std::string name = shell_quoted(printable(spec_.name));
  std::string out = "\n";
  const Front& front = history_.front();
  if (front.members().size() > 1) {
    out += front_lines(front, colour);
  } else if (const auto best = history_.best()) {
    const Trial& trial = history_.trial(*best);
    out += label("best") + paint(Style::cyan, number_text(trial.values.front()), colour) + " " +
           printable(spec_.objectives.front().metric) + "   " +
           paint(Style::bold, "trial " + std::to_string(best->value), colour);
    for (std::size_t i = 1; i < trial.values.size() && i < spec_.objectives.size(); ++i)
      out += "   " + number_text(trial.values[i]) + " " + printable(spec_.objectives[i].metric);
    if (trial.last_step > 1) out += paint(Style::dim, "   " + std::to_string(trial.last_step) + " steps", colour);
    out += "\n";
    std::size_t widest = 0;
    for (const auto& [key, value] : trial.params) widest = std::max(widest, display_width(printable(key)));
    for (const auto& [key, value] : trial.params)
      out += "          " + pad(printable(key), widest) + "  " + paint(Style::bold, value_text(value), colour) + "\n";
  } else {
    out += label("best") + (interrupted ? "none yet: no trial has finished\n" : "none: no trial succeeded\n");
  }
  out += "\n" + label("trials") + counts() + ", in " +
         duration_text(history_.now().seconds - history_.began().seconds) + "\n";
  if (history_.finishing() && !history_.finish_why().empty())
    out += label("ended") + printable(history_.finish_why()) + "\n";
  if (front.members().size() > 1)
    out += label("use one") + "tune best " + name + " --objective " +
           shell_quoted(printable(spec_.objectives.front().metric)) + " -o args" + store_hint_ + "\n" + label("see all") +
           "tune best " + name + store_hint_ + "\n";
  else if (history_.best())
    out += label("use it") + "tune best " + name + " -o args" + store_hint_ + "\n" + label("") + "tune best " + name +
           " --run" + store_hint_ + "\n";
  out += label("look") + "tune trials " + name + " --sort " + (spec_.objectives.front().maximize ? "-" : "") +
         "value --top 5" + store_hint_ + "\n";
  if (history_.count(TrialState::failed)) out += label("") + "tune logs " + name + " --failed" + store_hint_ + "\n";
  if (interrupted)
    out += "\n " + paint(Style::yellow, "interrupted", colour) + ": everything so far is kept. Go on with\n          " +
           paint(Style::bold, again, colour) + "\n";
  return out;
}

std::string SweepReport::summary(bool interrupted, int exit_code) const {
  const auto best = history_.best();
  std::string name = printable(spec_.name);
  std::replace(name.begin(), name.end(), ' ', '_');
  const auto count = [&](const char* key, TrialState s) {
    return std::string(" ") + key + "=" + std::to_string(history_.count(s));
  };
  return "tune: experiment=" + name + " end=" + (interrupted ? "interrupted" : "finished") +
         " trials=" + std::to_string(history_.size()) + count("complete", TrialState::complete) +
         count("stopped", TrialState::stopped) + count("failed", TrialState::failed) +
         count("infeasible", TrialState::infeasible) + count("cancelled", TrialState::cancelled) +
         " best=" + (best ? to_text(history_.trial(*best).values.front()) : "-") +
         " trial=" + (best ? std::to_string(best->value) : "-") + " exit=" + std::to_string(exit_code) +
         (spec_.objectives.size() > 1 ? " front=" + std::to_string(history_.front().members().size()) : "");
}

std::string SweepReport::members(bool interrupted, int exit_code, const std::string& again) const {
  std::string out;
  JsonWriter json(out);
  json.begin_object().key("experiment").value(spec_.name).key("end").value(interrupted ? "interrupted" : "finished");
  json.key("exit_code").value(exit_code).key("trials").value(history_.size()).key("counts").begin_object();
  for (const auto s : {TrialState::queued, TrialState::paused, TrialState::complete, TrialState::stopped,
                       TrialState::failed, TrialState::infeasible, TrialState::cancelled})
    json.key(to_text(s)).value(history_.count(s));
  json.end_object();
  if (const auto best = history_.best()) {
    const Trial& trial = history_.trial(*best);
    json.key("best")
        .begin_object()
        .key("trial")
        .value(best->value)
        .key("value")
        .value(trial.values.front())
        .key("params")
        .begin_object();
    for (const auto& [key, value] : trial.params) {
      json.key(key);
      std::visit([&](const auto& v) { json.value(v); }, value);
    }
    json.end_object().end_object();
  }
  if (const Front& front = history_.front(); !front.members().empty()) {
    json.key("front").begin_array();
    for (const auto& member : front.members()) {
      json.begin_object().key("trial").value(member.trial.value).key("values").begin_object();
      for (std::size_t k = 0; k < member.values.size(); ++k) json.key(spec_.objectives[k].metric).value(member.values[k]);
      json.end_object().key("params").raw(params_object(history_.trial(member.trial).params)).end_object();
    }
    json.end_array();
  }
  if (history_.finishing()) json.key("why").value(history_.finish_why());
  if (interrupted) json.key("resume").value(again);
  json.end_object();
  return out.substr(1, out.size() - 2);
}

void SweepReport::print(const Invocation& call, bool interrupted, int exit_code, const std::string& again) const {
  const bool person_reads_stdout = isatty(STDOUT_FILENO);
  if (!call.quiet()) {
    const bool colour = person_reads_stdout ? call.colour() : call.colour_on_stderr();
    const auto report = text(interrupted, again, colour);
    std::fputs(report.c_str(), person_reads_stdout ? stdout : stderr);
  }
  if (!person_reads_stdout || call.quiet()) call.print(summary(interrupted, exit_code) + "\n");
}

}  // namespace tune
