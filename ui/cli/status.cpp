// SPDX-License-Identifier: Apache-2.0
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "tuner/json.hpp"
#include "tuner/units.hpp"
#include "ui/cli/front.hpp"
#include "ui/view/live_forecast.hpp"
#include "ui/view/waiting.hpp"

namespace tune {
namespace {

using Clock = std::chrono::steady_clock;

bool ended(const ExperimentRow& row) { return row.state == "finished"; }

/// "best 0.12 loss (trial 7)", or the size of the front where there are several objectives. Empty: none yet.
std::string best_text(const StoreReader& reader, const ExperimentRow& row, const Result<Spec>& spec, bool colour) {
  if (spec && spec->objectives.size() > 1) {
    const auto front = front_of(reader, row, *spec);
    if (!front || front->members().empty()) return {};
    return "best " + front_text(*front, colour) + (front->members().size() > 1 ? " (tune best)" : "");
  }
  if (!row.best_value || !row.best_trial) return {};
  return "best " + paint(Style::cyan, number_text(*row.best_value), colour) + " " +
         (spec ? printable(spec->objectives.front().metric) : "") + " (trial " + std::to_string(row.best_trial->value) + ")";
}

std::string text(const Invocation& call, const StoreReader& reader, const ExperimentRow& row, const Result<Spec>& spec,
                 const Forecast* forecast) {
  const bool colour = call.colour();
  std::int64_t finished = 0;
  std::string counts;
  for (std::size_t i = 0; i < row.counts.size(); ++i) {
    const auto state = static_cast<TrialState>(i);
    if (is_final(state)) finished += row.counts[i];
    if (row.counts[i])
      counts += (counts.empty() ? "" : "  ") +
                paint(style_of(state), std::string(to_text(state)) + " " + std::to_string(row.counts[i]), colour);
  }
  const auto state = state_text(row);
  std::string out = " " + paint(Style::bold, printable(row.name), colour) + "  " + state;
  const auto budget = spec ? spec->stop.trials : std::nullopt;
  if (budget && *budget > 0)
    out +=
        "  " + paint(Style::green, bar_text(static_cast<double>(finished) / static_cast<double>(*budget), 20), colour);
  out += "  " + std::to_string(finished) + (budget ? "/" + std::to_string(*budget) : "") + " trials\n";
  if (!counts.empty()) out += "   " + counts + "\n";
  if (const auto best = best_text(reader, row, spec, colour); !best.empty()) out += "   " + best + "\n";
  if (forecast) out += "   " + forecast_text(*forecast) + "\n";
  if (!row.why.empty()) out += "   " + printable(row.why) + "\n";
  if (const auto waiting = why_trials_wait(reader, row); !waiting.empty()) out += "   " + paint(Style::yellow, waiting, colour) + "\n";
  if (row.owned)
    out += "   run by pid " + std::to_string(row.pid) + " on " + printable(row.host) + "\n";
  else if (state == "interrupted")
    out += "   nobody runs it: tune resume " + shell_quoted(printable(row.name)) + call.store_hint() + "\n";
  else if (state == "asked")
    out += "   driven from outside: tune ask " + shell_quoted(printable(row.name)) + call.store_hint() + "\n";
  return out;
}

std::string json(const StoreReader& reader, const ExperimentRow& row, const Forecast* forecast) {
  std::string out;
  JsonWriter writer(out);
  writer.begin_object()
      .key("experiment")
      .value(row.name)
      .key("state")
      .value(state_text(row))
      .key("owned")
      .value(row.owned);
  writer.key("trials").value(row.trials).key("counts").begin_object();
  for (std::size_t i = 0; i < row.counts.size(); ++i)
    writer.key(to_text(static_cast<TrialState>(i))).value(row.counts[i]);
  writer.end_object();
  if (row.best_trial) writer.key("best_trial").value(row.best_trial->value);
  if (row.best_value) writer.key("best_value").value(*row.best_value);
  if (const auto spec = spec_of(row); spec && spec->objectives.size() > 1)
    if (const auto front = front_of(reader, row, *spec)) {
      writer.key("front").begin_array();
      for (const auto& member : front->members()) writer.value(member.trial.value);
      writer.end_array();
    }
  if (forecast) {
    const auto band = [&](const char* key, const Band& b, double by) {
      writer.key(key).begin_array().value(b.low * by).value(b.middle * by).value(b.high * by).end_array();
    };
    writer.key("forecast").begin_object();
    band("left_seconds", forecast->left, 1);
    band("slot_hours", forecast->slot_seconds, 1 / 3600.0);
    writer.end_object();
  }
  if (!row.why.empty()) writer.key("why").value(row.why);
  if (const auto waiting = why_trials_wait(reader, row); !waiting.empty()) writer.key("waiting").value(waiting);
  if (row.exit_code) writer.key("exit_code").value(*row.exit_code);
  if (row.owned) writer.key("pid").value(row.pid).key("host").value(row.host);
  writer.key("seq").value(row.last_seq).end_object();
  return out + "\n";
}

void show(const Invocation& call, const StoreReader& reader, const ExperimentRow& row, LiveForecast& live,
          std::size_t& lines) {
  const auto spec = spec_of(row);
  const auto* forecast = spec ? live.of(reader, row, *spec) : nullptr;
  if (call.format() != Invocation::Format::table) return call.print_exact(json(reader, row, forecast));
  const auto shown = text(call, reader, row, spec, forecast);
  if (lines > 0 && isatty(STDOUT_FILENO)) call.print("\x1b[" + std::to_string(lines) + "A\x1b[J");
  call.print(shown);
  lines = static_cast<std::size_t>(std::count(shown.begin(), shown.end(), '\n'));
}

/// Until the experiment ends, `deadline` comes or nobody is there who could end it.
int wait(Invocation& call, Subject& subject, std::optional<Clock::time_point> deadline) {
  const bool watching = call.has("watch");
  LiveForecast live;
  std::size_t lines = 0;
  for (;;) {
    auto row = subject.reader->experiment(subject.experiment.name);
    if (!row) return call.fail(row.error());
    subject.experiment = *row;
    const bool over = ended(*row);
    const bool late = deadline && Clock::now() >= *deadline;
    if (watching || over || late || !row->owned) show(call, *subject.reader, *row, live, lines);
    std::fflush(stdout);
    if (over) return row->exit_code.value_or(0);
    if (late) return kTimedOut;
    if (!row->owned)
      return call.fail({Error::Code::unreachable, "nobody runs `" + subject.name() + "`, so it will not end",
                        "tune resume " + subject.name() + call.store_hint()});
    auto pause = watching ? std::chrono::milliseconds(2000) : std::chrono::milliseconds(200);
    if (deadline)
      pause =
          std::min(pause, std::max(std::chrono::milliseconds(1),
                                   std::chrono::duration_cast<std::chrono::milliseconds>(*deadline - Clock::now())));
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace

int status_verb(Invocation& call) {
  auto subject = find_experiment(call);
  if (!subject) return call.fail(subject.error());
  if (call.has("watch") || call.has("wait")) {
    std::optional<Clock::time_point> deadline;
    if (const auto limit = call.get("timeout")) {
      const auto duration = parse_duration(*limit);
      if (!duration)
        return call.fail(
            usage_error("`--timeout` is a duration such as 90s or 1h30m, not `" + printable(*limit) + "`"));
      deadline = Clock::now() + std::chrono::milliseconds(static_cast<std::int64_t>(duration->seconds * 1000));
    }
    return wait(call, *subject, deadline);
  }
  LiveForecast live;
  std::size_t lines = 0;
  show(call, *subject->reader, subject->experiment, live, lines);
  return kOk;
}

}  // namespace tune
