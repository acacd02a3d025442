// SPDX-License-Identifier: Apache-2.0
#include "bench/schedulers/run.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "bench/shared/count.hpp"
#include "bench/shared/results.hpp"
#include "tuner/config.hpp"
#include "tuner/json.hpp"
#include "ui/api/policies.hpp"
#include "ui/api/virtual_time.hpp"

namespace tune::races {
namespace {

double cpu_now() {
  rusage u{};
  getrusage(RUSAGE_SELF, &u);
  return static_cast<double>(u.ru_utime.tv_sec + u.ru_stime.tv_sec) + static_cast<double>(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

Result<Spec> spec_of(const Entrant& who, const Task& task, const Setting& how) {
  std::string config;
  JsonWriter w{config};
  w.begin_object().key("name").value("race").key("command").raw(R"(["true"])").key("seed").value(static_cast<std::int64_t>(how.seed));
  w.key("params").raw(task.params).key("objective").raw(task.objective).key("search").raw(who.search);
  std::string scheduler = who.scheduler;
  if (who.wants_steps) scheduler.insert(scheduler.size() - 1, ",\"max_step\":" + std::to_string(task.steps));
  w.key("scheduler").raw(scheduler);
  if (who.saves) w.key("checkpoint").raw("{}");
  w.key("stop").raw(R"({"time":"1h"})").end_object();
  auto read = read_config(config, {catalogue(), "the race", "/", {}});
  if (read.spec) {
    read.spec->stop.time = Duration{how.rounds * task.mean_seconds};  // A duration is a text of few digits.
    return std::move(*read.spec);
  }
  return Error{Error::Code::invalid, who.label + ": " + render_text(read.diagnostics), ""};
}

}  // namespace

Result<Entrant> entrant(const std::string& text) {
  Entrant out;
  out.label = text;
  const auto slash = text.find('/');
  if (slash == std::string::npos) return Error{Error::Code::invalid, printable(text) + " names no scheduler", "auto/asha:mode=stop"};
  out.search = R"({"type":)" + tune::to_json(Value{text.substr(0, slash)}) + "}";
  std::vector<std::string> parts(1);
  for (const char c : text.substr(slash + 1))
    if (c == ':')
      parts.emplace_back();
    else
      parts.back() += c;
  JsonWriter w{out.scheduler};
  w.begin_object().key("type").value(parts.front());
  for (std::size_t i = 1; i < parts.size(); ++i) {
    if (parts[i] == "unsaved") {
      out.saves = false;
      continue;
    }
    const auto equals = parts[i].find('=');
    if (equals == std::string::npos) return Error{Error::Code::invalid, printable(parts[i]) + " is no option", "eta=4"};
    const std::string value = parts[i].substr(equals + 1);
    const bool bare = !value.empty() && value.find_first_not_of("0123456789.eE+-") == std::string::npos;
    w.key(parts[i].substr(0, equals)).raw(bare ? value : tune::to_json(Value{value}));
  }
  w.end_object();
  const auto& known = catalogue().schedulers;
  const auto info = std::find_if(known.begin(), known.end(), [&](const PolicyInfo& p) { return p.name == parts.front(); });
  out.wants_steps = parts.front() == "auto" ||
                    (info != known.end() && std::any_of(info->options.begin(), info->options.end(),
                                                        [](const Option& o) { return o.name == "max_step"; }));
  return out;
}

double Run::final_value() const { return improvements.empty() ? std::nan("") : improvements.back().second; }

double Run::time_to(double value) const {
  for (const auto& [at, reached] : improvements)
    if (maximize ? reached >= value : reached <= value) return at;
  return budget;
}

Result<Run> race(const Entrant& who, const Task& task, const Setting& how) {
  const auto spec = spec_of(who, task, how);
  if (!spec) return spec.error();
  SimulatorOptions options;
  options.workers = how.workers, options.seed = how.seed;
  const double began = cpu_now();
  const auto went = run_in_virtual_time(*spec, recorded_problem(spec->space, task.recording, how.seed), options);
  if (!went) return went.error();
  const double budget = how.rounds * task.mean_seconds;  // Steps that are under way then go on to their end.
  Run run{who.label, TUNE_VERSION, task.name, how, task.maximize, budget, {}, went->trials, went->reports,
          std::min(went->slot_seconds, budget * how.workers), cpu_now() - began};
  for (const auto& i : went->improvements)
    if (i.at - went->began <= run.budget) run.improvements.emplace_back(i.at - went->began, i.value);
  return run;
}

std::string to_json(const Run& r) {
  std::string line;
  JsonWriter w{line};
  w.begin_object().key("tool").value(r.tool).key("version").value(r.version).key("task").value(r.task);
  w.key("seed").value(static_cast<std::int64_t>(r.setting.seed)).key("workers").value(r.setting.workers);
  w.key("rounds").value(r.setting.rounds).key("improvements").begin_array();
  for (const auto& [at, value] : r.improvements) w.begin_array().value(at).value(value).end_array();
  w.end_array().key("trials").value(r.trials).key("reports").value(r.reports).key("slot_seconds").value(r.slot_seconds);
  w.key("budget").value(r.budget).key("maximize").value(r.maximize).key("cpu").value(r.cpu).end_object();
  return line;
}

using bench::count;

Result<Run> read_run(const std::string& line) {
  try {
    const auto j = nlohmann::json::parse(line);
    Run r;
    r.tool = j.at("tool"), r.version = j.at("version"), r.task = j.at("task");
    r.setting = {count(j.at("workers")), j.at("rounds"), static_cast<std::uint64_t>(count(j.at("seed")))};
    for (const auto& i : j.at("improvements")) r.improvements.emplace_back(i.at(0), i.at(1));
    r.trials = count(j.at("trials")), r.reports = count(j.at("reports")), r.slot_seconds = j.at("slot_seconds");
    r.budget = j.at("budget"), r.maximize = j.at("maximize"), r.cpu = j.at("cpu");
    return r;
  } catch (const std::exception& e) {
    return Error{Error::Code::corrupt, std::string{"not a line of results: "} + e.what(), ""};
  }
}

Result<std::vector<Run>> read_runs(const std::string& path) { return bench::read_lines(path, &read_run); }

}  // namespace tune::races
