// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <limits>

#include "tuner/config.hpp"
#include "tuner/json.hpp"
#include "ui/analysis/statistics.hpp"
#include "ui/api/policies.hpp"
#include "ui/api/virtual_time.hpp"
#include "ui/cli/source.hpp"

namespace tune {
namespace {

constexpr std::int64_t kSeeds = 10;

/// A scheduler to compare: "asha", or with options of its own, "asha:eta=4:mode=stop".
struct Contender {
  std::string label;
  std::string setting;  ///< As a `--set`; empty: what the config says.
};

/// What the config sets for its own scheduler goes for the others too where they have such an option and such a value.
Result<Contender> contender(const std::string& word, const Spec& spec) {
  const auto colon = word.find(':');
  const auto name = word.substr(0, colon);
  const auto info_of = [](const std::string& type) {
    const auto& all = catalogue().schedulers;
    const auto it = std::find_if(all.begin(), all.end(), [&](const PolicyInfo& p) { return p.name == type; });
    return it == all.end() ? nullptr : &*it;
  };
  const bool automatic = name == "auto";
  const auto* info = info_of(automatic ? "asha" : name);  // What it becomes where the length of a trial is told.
  if (!info) {
    std::string known = "auto";
    for (const auto& p : catalogue().schedulers) known += ", " + std::string(p.name);
    return usage_error("there is no scheduler `" + printable(name) + "`", "there are " + known);
  }
  const auto has = [&](const PolicyInfo& p, std::string_view option) {
    return std::any_of(p.options.begin(), p.options.end(), [&](const Option& o) { return o.name == option; });
  };
  std::string json;
  JsonWriter out(json);
  out.begin_object().key("type").value(name);
  const auto defaults = complete_options(*info_of(spec.scheduler.type), {});
  const bool alike = !automatic || spec.scheduler.options.contains("max_step");
  for (const auto& [key, value] : alike ? spec.scheduler.options : Params{}) {
    const auto* usual = defaults ? defaults->find(key) : nullptr;
    if (complete_options(*info, {{key, value}}) && word.find(":" + key + "=") == std::string::npos && !(usual && *usual == value))
      out.key(key).raw(to_json(value));
  }
  for (auto begin = colon; begin != std::string::npos;) {
    const auto end = word.find(':', begin + 1);
    const auto option = word.substr(begin + 1, end == std::string::npos ? end : end - begin - 1);
    const auto equals = option.find('=');
    if (equals == std::string::npos || !has(*info, option.substr(0, equals)))
      return usage_error("`" + printable(option) + "` sets no option of " + name, "tune explain scheduler." + name);
    const auto value = option.substr(equals + 1);
    const bool bare = !value.empty() && value.find_first_not_of("0123456789.eE+-") == std::string::npos;
    if (bare || value == "true" || value == "false")
      out.key(option.substr(0, equals)).raw(value);
    else
      out.key(option.substr(0, equals)).value(value);
    begin = end;
  }
  if (!spec.rules.empty()) {
    out.key("rules").begin_array();
    for (const auto& rule : spec.rules) {
      if (rule.type == name) continue;  // By itself it does no more than among the rules.
      out.begin_object().key("type").value(rule.type);
      for (const auto& [key, value] : rule.options) out.key(key).raw(to_json(value));
      out.end_object();
    }
    out.end_array();
  }
  out.end_object();
  return Contender{printable(word), "scheduler=" + json};
}

Result<std::vector<Contender>> contenders(const Invocation& call, const Spec& spec) {
  std::vector<Contender> all;
  for (const auto& list : call.all("compare"))
    for (std::size_t begin = 0; begin <= list.size();) {
      const auto end = std::min(list.find(',', begin), list.size());
      auto one = contender(list.substr(begin, end - begin), spec);
      if (!one) return one.error();
      all.push_back(std::move(*one));
      begin = end + 1;
    }
  if (all.empty()) all.push_back({spec.scheduler.type, ""});
  return all;
}

/// The last value, or the mean of the last k.
double end_of(const RecordedTrial& t, std::size_t metric, const Objective& objective) {
  const auto k = std::min<std::size_t>(t.values.size(), objective.reduce == Objective::Reduce::mean_last_k ? static_cast<std::size_t>(objective.k) : 1);
  double sum = 0;
  for (std::size_t i = t.values.size() - k; i < t.values.size(); ++i) sum += t.values[i][metric];
  return k > 0 ? sum / static_cast<double>(k) : std::numeric_limits<double>::quiet_NaN();
}

/// What is worth reaching: the value that the best tenth, and the best hundredth, of the recorded trials ended with.
std::vector<double> targets(const Recording* recording, const Spec& spec) {
  if (!recording) return {};
  const auto& names = recording->metrics;
  const auto metric = static_cast<std::size_t>(
      std::find(names.begin(), names.end(), spec.objectives.front().metric) - names.begin());
  const double sign = spec.objectives.front().maximize ? -1 : 1;
  std::vector<double> ends;
  for (const auto& t : recording->trials)
    if (const double end = end_of(t, metric, spec.objectives.front()); std::isfinite(end)) ends.push_back(sign * end);
  if (ends.empty()) return {};
  std::sort(ends.begin(), ends.end());
  const auto at = [&](double share) { return sign * ends[static_cast<std::size_t>(share * static_cast<double>(ends.size() - 1))]; };
  return {at(0.1), at(0.01)};
}

using Runs = std::vector<VirtualRun>;

double median_of(const Runs& runs, const std::function<double(const VirtualRun&)>& what) {
  std::vector<double> all;
  for (const auto& r : runs) all.push_back(what(r));
  return median(std::move(all));
}

Shown seconds_cell(double seconds) {
  return std::isfinite(seconds) ? Shown::shown_as(duration_text(seconds), Shown(seconds)) : Shown();
}

Shown short_number(double x) { return std::isfinite(x) ? Shown::shown_as(number_text(x), Shown(x)) : Shown(); }

std::vector<Shown> row_of(const std::string& label, const Runs& runs, const std::vector<double>& goals, bool maximize) {
  constexpr double kNever = std::numeric_limits<double>::infinity();
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const double worst = maximize ? -kNever : kNever;
  const double best = median_of(runs, [&](const VirtualRun& r) { return r.best && !std::isnan(*r.best) ? *r.best : worst; });
  const auto rounded = [](double x) { return std::isfinite(x) ? static_cast<std::int64_t>(std::llround(x)) : 0; };
  std::vector<Shown> row{label,
                         seconds_cell(median_of(runs, [](const VirtualRun& r) { return r.seconds(); })),
                         short_number(median_of(runs, [](const VirtualRun& r) { return r.slot_seconds / 3600; })),
                         rounded(median_of(runs, [](const VirtualRun& r) { return static_cast<double>(r.trials); })),
                         short_number(std::isfinite(best) ? best : kNan)};
  for (const double goal : goals)
    row.push_back(seconds_cell(median_of(runs, [&](const VirtualRun& r) { return r.reached(goal, maximize).value_or(kNever); })));
  const double use = median_of(runs, [](const VirtualRun& r) { return r.use; });
  row.push_back(Shown::shown_as(std::to_string(std::lround(100 * use)) + " %", Shown(use)));
  return row;
}

}  // namespace

int simulate_verb(Invocation& call) {
  if (call.words().size() != 1)
    return call.fail(usage_error("`tune simulate` takes one config file", "tune simulate config.json --from EXPERIMENT"));
  const auto& path = call.words()[0];
  const auto from = call.get("from");
  if (!from)
    return call.fail(usage_error("what are trials taken from?",
                                 "--from EXPERIMENT of the store, --from TABLE.json, or --from curve"));
  const auto source = Source::open(call, *from);
  if (!source) return call.fail(source.error());
  const auto spec = source->read_config(call, path, call.all("set"));
  if (!spec) return kUsage;
  const auto recording = source->recording(call, *spec);
  if (!recording) return call.fail(recording.error());
  const auto world = simulator_settings(call, *spec);
  if (!world) return call.fail(world.error());
  const auto seeds = call.whole("seeds", 1);
  if (!seeds) return call.fail(seeds.error());
  const auto all = contenders(call, *spec);
  if (!all) return call.fail(all.error());

  const auto goals = targets(recording->get(), *spec);
  std::vector<Listing::Column> columns{{"scheduler"}, {"time"}, {"slot_hours"}, {"trials"}, {"best"}};
  if (!goals.empty()) columns.push_back({"to_top_10%"}), columns.push_back({"to_top_1%"});
  columns.push_back({"use"});
  Listing listing(std::move(columns));
  for (const auto& one : *all) {
    auto sets = call.all("set");
    if (!one.setting.empty()) sets.push_back(one.setting);
    auto variant = one.setting.empty() ? *spec : source->read_config(call, path, sets);
    if (!variant) return kUsage;
    Runs runs;
    const auto base = variant->seed;
    for (std::int64_t k = 0; k < seeds->value_or(kSeeds); ++k) {
      variant->seed = base + static_cast<std::uint64_t>(k);
      const auto options = simulator_options(*world, variant->seed);
      variant->parallel = options.workers * options.slots;
      auto problem = source->problem(*variant, *recording);
      if (!problem) return call.fail(problem.error());
      auto run = run_in_virtual_time(*variant, std::move(*problem), options);
      if (!run) return call.fail(run.error());
      runs.push_back(std::move(*run));
    }
    listing.add(row_of(one.label, runs, goals, spec->objectives.front().maximize));
  }
  const auto workers = to_number(*world->find("workers")).value_or(0);
  std::string about = printable(*from) + ": " + std::to_string(seeds->value_or(kSeeds)) + " seeds, medians; " +
                      number_text(workers) + " workers";
  if (goals.size() == 2)
    about += "; the best 10 % of the recorded trials end at " + number_text(goals[0]) + ", the best 1 % at " + number_text(goals[1]);
  call.tell(about);
  call.print(listing);
  return kOk;
}

}  // namespace tune
