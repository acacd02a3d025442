// SPDX-License-Identifier: Apache-2.0
#include "ui/cli/source.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "executors/table_problem.hpp"
#include "store/sqlite/reader.hpp"
#include "tuner/config.hpp"
#include "tuner/json_document.hpp"
#include "tuner/nearest.hpp"
#include "ui/api/measurements.hpp"
#include "ui/api/policies.hpp"
#include "ui/cli/config_file.hpp"
#include "ui/cli/subject.hpp"

namespace tune {
namespace {

/// A key of a config as a `--set`; empty if it has none.
std::string setting(const std::optional<JsonNode>& config, std::string_view key) {
  const auto* member = config ? config->find(key) : nullptr;
  return member ? std::string(key) + "=" + to_json(member->value) : std::string{};
}

std::optional<JsonNode> parsed(std::string_view text) {
  return parse_json(text, 0, [](const JsonFault&) {});
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + printable(name);
  return out;
}

}  // namespace

Result<Source> Source::open(const Invocation& call, const std::string& from) {
  Source s;
  s.name_ = from;
  if (from == "branin" || from == "rosenbrock" || from == "curve") return s;
  if (from.ends_with(".json")) {
    s.kind_ = Kind::table;
    const auto settings = table_settings(from);
    if (!settings) return settings.error();
    s.params_ = "params=" + settings->params, s.objective_ = "objective=" + settings->objective;
    if (!settings->instances.empty()) s.instances_ = "instances=" + settings->instances;
    return s;
  }
  s.kind_ = Kind::experiment;
  const auto subject = find_subject(call, from);
  if (!subject) return subject.error();
  if (subject->trial) return usage_error("`--from` names an experiment, and `" + subject->name() + "` is a trial");
  auto spec = spec_of(subject->experiment);
  if (!spec) return spec.error();
  const auto config = parsed(subject->experiment.config);
  s.params_ = setting(config, "params");
  s.objective_ = setting(config, "objective");
  if (s.objective_.empty()) s.objective_ = setting(config, "objectives");
  s.instances_ = setting(config, "instances");
  s.spec_ = std::move(*spec);
  auto read = subject->reader->read(subject->experiment.id, 1, [&](Record&& r) { s.journal_.push_back(std::move(r)); });
  if (!read) return read.error();
  return s;
}

std::optional<Spec> Source::read_config(const Invocation& call, const std::string& path,
                                        std::vector<std::string> sets) const {
  const auto text = read_text(path);
  const auto config = text ? parsed(*text) : std::nullopt;
  if (config && !params_.empty() && !config->find("params")) sets.insert(sets.begin(), params_);
  if (config && !objective_.empty() && !config->find("objective") && !config->find("objectives"))
    sets.insert(sets.begin(), objective_);
  if (config && !instances_.empty() && !config->find("instances")) sets.insert(sets.begin(), instances_);
  return read_config_file(call, path, sets, false);
}

Result<std::shared_ptr<const Recording>> Source::recording(const Invocation& call, const Spec& spec) const {
  if (kind_ == Kind::function) return std::shared_ptr<const Recording>{};
  auto made = [&]() -> Result<Recording> {
    if (kind_ == Kind::table) return read_table(name_, spec);
    Measurements measured{*spec_};
    for (const auto& r : journal_) measured.learn(r);
    const auto& metrics = measured.metrics();
    if (std::find(metrics.begin(), metrics.end(), spec.objectives.front().metric) == metrics.end())
      return Error{Error::Code::invalid,
                   "`" + printable(name_) + "` has no objective `" + printable(spec.objectives.front().metric) + "`",
                   "it has " + listed(metrics)};
    return measured.recording(spec.space);
  }();
  if (!made) return made.error();
  if (made->trials.empty())
    return Error{Error::Code::not_found, "`" + printable(name_) + "` has measured nothing inside the space of the config", {}};
  if (!made->unmatched.empty())
    call.tell("make no difference, because either the config or `" + printable(name_) + "` lacks them: " +
              listed(made->unmatched));
  if (made->outside > 0)
    call.tell(std::to_string(made->outside) + " recorded trials lie outside the space of the config and are left out");
  const auto cut = std::count_if(made->trials.begin(), made->trials.end(),
                                 [](const RecordedTrial& t) { return t.end == RecordedTrial::End::cut; });
  if (cut > 0)
    call.tell(std::to_string(cut) + " of " + std::to_string(made->trials.size()) +
              " recorded trials were cut short: from there they go on as the others did on average");
  return std::make_shared<const Recording>(std::move(*made));
}

Result<std::unique_ptr<Problem>> Source::problem(const Spec& spec, std::shared_ptr<const Recording> recording) const {
  if (recording) return recorded_problem(spec.space, std::move(recording), spec.seed);
  return find_problem(name_, spec, 0);
}

Result<Params> simulator_settings(const Invocation& call, const Spec& spec) {
  const auto& all = catalogue().executors;
  const auto& info = *std::find_if(all.begin(), all.end(), [](const PolicyInfo& p) { return p.name == "simulator"; });
  Params given;
  if (spec.executor.type == "simulator")
    given = spec.executor.options;
  else if (spec.parallel)
    given.set("workers", static_cast<std::int64_t>(*spec.parallel));
  for (const auto& with : call.all("with")) {
    const auto equals = with.find('=');
    const auto name = with.substr(0, equals);
    double number = 0;
    const char* const begin = equals == std::string::npos ? with.data() + with.size() : with.data() + equals + 1;
    const auto [end, failed] = std::from_chars(begin, with.data() + with.size(), number);
    if (failed != std::errc{} || end != with.data() + with.size())
      return usage_error("`--with` takes KEY=NUMBER, not `" + printable(with) + "`", "--with crash=0.05");
    const auto option = std::find_if(info.options.begin(), info.options.end(), [&](const Option& o) { return o.name == name; });
    if (option == info.options.end() || option->kind == Option::Kind::text)
      return usage_error("the simulator has no option `" + printable(name) + "`", "docs/executors/simulator.md lists them");
    given.set(name, option->kind == Option::Kind::integer ? Value{static_cast<std::int64_t>(number)} : Value{number});
  }
  const auto workers = call.whole("workers", 1);
  if (!workers) return workers.error();
  if (*workers) given.set("workers", **workers);
  return complete_options(info, std::move(given));
}

}  // namespace tune
