// SPDX-License-Identifier: Apache-2.0
// The config from top to bottom, one function per section.
#include <algorithm>
#include <array>
#include <regex>
#include <set>

#include "tuner/config.hpp"
#include "tuner/config_parts.hpp"

namespace tune {
namespace detail {
namespace {

bool is_experiment_name(std::string_view name) {
  const auto letter_or_digit = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const bool taken = name == "agents" || name == "checkpoints";  // Folders beside those of the experiments.
  return !taken && !name.empty() && name.size() <= 63 && letter_or_digit(name[0]) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter_or_digit(c) || c == '.' || c == '_' || c == '-'; });
}

class Reader {
 public:
  Reader(Findings& findings, const ConfigContext& context, const JsonNode& root)
      : findings_(findings), context_(context), top_(findings, &root, {0, root.span.begin, root.span.begin + 1}, "") {}

  void read(Spec& spec, Places& places) {
    identity(spec);
    instances(spec);
    goals(spec);
    space_known_ = read_space(findings_, top_, spec, places);
    replicates(spec.replicates);
    program(spec);
    read_supplies(top_, context_.folder, spec);
    report(spec.report);
    stop(spec.stop, spec.objectives);
    resources(spec);
    retry(spec.retry);
    edges(spec);
    read_policies(top_, context_.catalogue, spec, places);
    remember(places);
  }
  bool space_known() const { return space_known_; }

 private:
  static constexpr double kMostReports = 100'000;

  void identity(Spec& spec) {
    top_.text("$schema");
    if (const auto* m = top_.member("version"); m && !(m->value.kind == JsonNode::Kind::number && m->value.number == 1))
      findings_.add("E006", m->span(), "`version` must be 1");
    spec.name = top_.text("name").value_or(default_name(context_.file, context_.folder));
    if (const auto* m = top_.member("name");
        m && m->value.kind == JsonNode::Kind::string && !is_experiment_name(spec.name))
      findings_.add("E012", m->span(), shown(spec.name) + " is no name for an experiment",
                    "a letter or digit first, then letters, digits, `.`, `_` and `-`, at most 63; not `agents` or `checkpoints`");
    spec.description = top_.text("description").value_or("");
    spec.tags = top_.texts("tags").value_or(std::vector<std::string>{});
    spec.seed = static_cast<std::uint64_t>(top_.integer("seed", kFromZero).value_or(0));
    order(spec);
  }

  void order(Spec& spec) {
    const auto* m = top_.member("order");
    if (!m) return;
    const std::initializer_list<std::pair<std::string_view, bool>> modes{{"recorded", false}, {"logical", true}};
    if (m->value.kind == JsonNode::Kind::string) {
      spec.logical_order = top_.word<bool>("order", modes).value_or(false);
    } else if (m->value.kind == JsonNode::Kind::object) {
      auto s = top_.section("order");
      s.require("mode");
      spec.logical_order = s.word<bool>("mode", modes).value_or(false);
      spec.slots = static_cast<int>(s.integer("slots", {1, 100'000}).value_or(spec.slots));
    } else {
      top_.wrong_type(*m, "a text or an object");
    }
  }

  void instances(Spec& spec) {
    spec.instances = top_.texts("instances").value_or(std::vector<std::string>{});
    const auto* m = top_.member("instances");
    if (!m || m->value.kind != JsonNode::Kind::array) return;
    if (m->value.items.empty()) findings_.add("E011", m->span(), "`instances` is empty");
    std::set<std::string_view> seen;
    for (const auto& item : m->value.items) {
      if (item.kind != JsonNode::Kind::string) continue;
      if (!seen.insert(item.text).second) findings_.add("E025", item.span, "the instance " + shown(item.text) + " is listed twice");
      if (item.text.find('\0') != std::string::npos) findings_.add("E053", item.span, "an instance cannot hold a NUL character");
    }
  }

  // What is tried on several instances is worth their mean, if nothing else is said.
  Objective objective(Section s, std::size_t instances) {
    Objective out;
    if (s.require("metric")) out.metric = s.text("metric").value_or("");
    if (const auto* m = s.member("metric"); m && m->value.kind == JsonNode::Kind::string && out.metric.empty())
      findings_.add("E011", m->span(), "`metric` is empty");
    out.maximize = s.word<bool>("goal", {{"minimize", false}, {"maximize", true}}).value_or(false);
    using Reduce = Objective::Reduce;
    out.reduce =
        s.word<Reduce>("reduce", {{"last", Reduce::last}, {"best", Reduce::best}, {"mean_last_k", Reduce::mean_last_k}})
            .value_or(instances > 0 ? Reduce::mean_last_k : Reduce::last);
    if (instances > 0 && !s.member("reduce")) {
      if (s.member("k")) findings_.add("E013", s.member("k")->span(), "`k` needs \"reduce\": \"mean_last_k\"");
      out.k = static_cast<int>(std::min<std::size_t>(instances, kMostReports));
      return out;
    }
    const auto k = s.integer("k", {1, kMostReports});
    if (out.reduce == Reduce::mean_last_k && !s.member("k")) s.require("k");
    if (out.reduce != Reduce::mean_last_k && s.member("k"))
      findings_.add("E013", s.member("k")->span(), "`k` needs \"reduce\": \"mean_last_k\"");
    out.k = static_cast<int>(k.value_or(1));
    return out;
  }

  void goals(Spec& spec) {
    const auto* one = top_.member("objective");
    const auto* many = top_.member("objectives");
    if (one && many) findings_.add("E013", many->key_span, "`objective` and `objectives` exclude each other");
    if (!one && !many)
      findings_.add("E005", top_.where(), "the config needs `objective`",
                    "\"objective\": {\"metric\": \"loss\", \"goal\": \"minimize\"}");
    if (one) spec.objectives.push_back(objective(top_.section("objective"), spec.instances.size()));
    if (many && many->value.kind != JsonNode::Kind::array) {
      top_.wrong_type(*many, "a list of objects");
    } else if (many) {
      if (many->value.items.size() < 2)
        findings_.add("E011", many->span(), "`objectives` is for two goals or more", "use `objective` for one");
      for (const auto& item : many->value.items) {
        spec.objectives.push_back(objective(Section{findings_, &item, item.span, "objective"}, spec.instances.size()));
        const auto& metric = spec.objectives.back().metric;
        const auto first = std::find_if(spec.objectives.begin(), spec.objectives.end(),
                                        [&](const auto& o) { return o.metric == metric; });
        if (&*first != &spec.objectives.back())
          findings_.add("E073", item.span, shown(metric) + " is an objective already");
      }
    }
    spec.on_nan = top_.word<OnNan>("on_nan", {{"worst", OnNan::worst}, {"stop", OnNan::stop}, {"fail", OnNan::fail}})
                      .value_or(OnNan::worst);

    auto bounds = top_.section("outcome_constraints");
    if (!bounds.present()) return;
    for (const auto& m : bounds.node()->members) {
      Section s{findings_, &m.value, m.key_span, "outcome_constraints.*"};
      OutcomeConstraint c{m.key, s.number("min"), s.number("max")};
      if (m.key.empty()) findings_.add("E011", m.key_span, "the metric of an outcome constraint is empty");
      if (s.present() && !s.member("min") && !s.member("max"))
        findings_.add("E005", m.key_span, "a bound on " + shown(m.key) + " needs `min` or `max`");
      if (c.min && c.max && *c.min > *c.max)
        findings_.add("E072", s.member("max")->span(), "`max` must not be less than `min`");
      spec.outcome_constraints.push_back(std::move(c));
    }
  }

  void replicates(Replicates& out) {
    auto s = top_.section("replicates");
    s.require("count");
    using Reduce = Replicates::Reduce;
    out.count = s.integer("count", {1, 1000}).value_or(1);
    out.reduce = s.word<Reduce>("reduce", {{"mean", Reduce::mean}, {"median", Reduce::median}, {"worst", Reduce::worst}})
                     .value_or(Reduce::mean);
  }

  void program(Spec& spec) {
    if (top_.member("command") && top_.member("trainable"))
      findings_.add("E013", top_.member("trainable")->key_span, "`command` and `trainable` exclude each other");
    spec.command = top_.texts("command").value_or(std::vector<std::string>{});
    if (const auto* m = top_.member("command"); m && m->value.kind == JsonNode::Kind::array && m->value.items.empty())
      findings_.add("E011", m->span(), "`command` is empty", "it begins with the program to start");
    auto trainable = top_.section("trainable");
    if (trainable.require("name")) {
      spec.trainable = trainable.text("name").value_or("?");
      if (spec.trainable.empty()) findings_.add("E011", trainable.where(), "`name` of the trainable is empty");
    }
    if (const auto plugin = trainable.text("plugin")) spec.plugin = below(context_.folder, *plugin);
    if (!top_.member("command") && !top_.member("trainable") && context_.needs_program)
      findings_.add("E054", top_.where(), "the config needs `command` or `trainable`: what a trial runs",
                    "\"command\": [\"./program\", \"${args}\"]");
    spec.cwd = below(context_.folder, top_.text("cwd").value_or("."));

    auto env = top_.section("env");
    for (const auto& m : env.present() ? env.node()->members : std::vector<JsonMember>{}) {
      if (m.key.empty() || m.key.find('=') != std::string::npos || m.key.find('\0') != std::string::npos)
        findings_.add("E074", m.key_span, shown(m.key) + " is no name of an environment variable");
      if (m.value.kind == JsonNode::Kind::null) {
        spec.env[m.key] = std::nullopt;
      } else if (m.value.kind == JsonNode::Kind::string) {
        if (m.value.text.find('\0') != std::string::npos)
          findings_.add("E053", m.span(), "a variable's value cannot hold a NUL character");
        spec.env[m.key] = m.value.text;
      } else {
        env.wrong_type(m, "a text, or null to remove it,");
      }
    }
    using Inherit = Spec::Inherit;
    spec.env_inherit =
        top_.word<Inherit>("env_inherit", {{"all", Inherit::all}, {"none", Inherit::none}, {"list", Inherit::list}})
            .value_or(Inherit::all);
    spec.env_pass = top_.texts("env_pass").value_or(std::vector<std::string>{});
    if (const auto* m = top_.member("env_pass"); m && spec.env_inherit != Inherit::list)
      findings_.add("E013", m->key_span, "`env_pass` needs \"env_inherit\": \"list\"");
  }

  void report(ReportSpec& out) {
    auto s = top_.section("report");
    using Channel = ReportSpec::Channel;
    out.channel = s.word<Channel>("channel",
                                  {{"auto", Channel::automatic},
                                   {"fd", Channel::fd},
                                   {"socket", Channel::socket},
                                   {"stdout", Channel::out},
                                   {"regex", Channel::regex},
                                   {"result_file", Channel::result_file}},
                                  {"http"})
                      .value_or(Channel::automatic);
    out.step = s.text("step").value_or(out.step);
    if (out.step.empty()) findings_.add("E011", s.member("step")->span(), "`step` is empty");
    out.result_file = s.text("result_file").value_or("");
    if (const auto bytes = s.bytes("max_line")) {
      if (*bytes < 64 || *bytes > (1 << 20))
        findings_.add("E006", s.member("max_line")->span(), "`max_line` must be at least 64B and at most 1MiB");
      out.max_line_bytes = *bytes;
    }
    auto patterns = s.section("regex");
    for (const auto& m : patterns.present() ? patterns.node()->members : std::vector<JsonMember>{}) {
      if (m.value.kind != JsonNode::Kind::string)
        patterns.wrong_type(m, "a text");
      else if (check_pattern(m))
        out.regex[m.key] = m.value.text;
    }
    if (s.member("regex") && patterns.present() && patterns.node()->members.empty())
      findings_.add("E011", patterns.where(), "`regex` has no pattern");
    if (out.channel == Channel::regex && !s.member("regex"))
      findings_.add("E071", s.member("channel")->span(), "channel \"regex\" needs `regex`");
    if (out.channel == Channel::result_file && out.result_file.empty())
      findings_.add("E071", s.member("channel")->span(), "channel \"result_file\" needs `result_file`");
  }

  bool check_pattern(const JsonMember& m) {
    constexpr std::size_t kMost = 1000;  // The library's compiler recurses.
    if (m.value.text.size() > kMost)
      return findings_.add("E070", m.span(), "a pattern has at most 1000 characters"), false;
    try {
      const std::regex pattern{m.value.text};
      if (pattern.mark_count() == 1) return true;
      findings_.add("E070", m.span(),
                    "the pattern for " + shown(m.key) + " has " + std::to_string(pattern.mark_count()) +
                        " groups and needs one, around the number",
                    "a group that is not meant is written (?:...)");
    } catch (const std::regex_error& e) {
      findings_.add("E070", m.span(), "the pattern for " + shown(m.key) + " cannot be read: " + std::string{e.what()});
    }
    return false;
  }

  // A number for the single objective, or an object of numbers by metric: several objectives have no common unit.
  ByObjective by_objective(Section& s, std::string_view key, const std::vector<Objective>& objectives, Range range = {}) {
    ByObjective out;
    const auto* m = s.member(key);
    if (!m || objectives.empty()) return out;
    if (m->value.kind == JsonNode::Kind::number) {
      const auto& metric = objectives.front().metric;
      if (objectives.size() > 1)
        findings_.add("E013", m->span(), "with several objectives " + shown(key) + " says which it is for",
                      "\"" + std::string{key} + "\": {" + "\"" + printable(metric) + "\": " + to_text(m->value.number) + "}");
      else if (const auto n = s.number(key, range))
        out.emplace(metric, *n);
      return out;
    }
    if (m->value.kind != JsonNode::Kind::object) return s.wrong_type(*m, "a number, or an object by metric"), out;
    if (m->value.members.empty()) findings_.add("E011", m->span(), shown(key) + " names no objective");
    std::string names;
    for (const auto& o : objectives) names += (names.empty() ? "" : ", ") + shown(o.metric);
    for (const auto& each : m->value.members) {
      if (std::none_of(objectives.begin(), objectives.end(), [&](const auto& o) { return o.metric == each.key; }))
        findings_.add("E003", each.key_span, shown(each.key) + " is not an objective", "its metrics are " + names);
      else if (const auto n = number_of(findings_, each.value, each.span(), each.key, range))
        out.emplace(each.key, *n);
    }
    return out;
  }

  void stop(StopSpec& out, const std::vector<Objective>& objectives) {
    auto s = top_.section("stop");
    out.trials = s.integer("trials", kFromOne);
    out.time = s.duration("time");
    out.cost = s.number("cost", kPositive);
    out.target = by_objective(s, "target", objectives);
    out.max_failures = s.integer("max_failures", kFromZero);
    if (auto p = s.section("plateau"); p.present()) {
      p.require("trials");
      out.plateau = StopSpec::Plateau{p.integer("trials", kFromOne).value_or(1),
                                      by_objective(p, "min_delta", objectives, kFromZero)};
      for (const auto& o : objectives) out.plateau->min_delta.emplace(o.metric, 0);
    }
    if (auto i = s.section("improvement"); i.present()) {
      i.require("min");
      StopSpec::Improvement rule;
      rule.min = i.number("min", kFromZero).value_or(0);
      rule.chance = i.number("chance", {0, 1, true, false}).value_or(rule.chance);
      out.improvement = rule;
    }
    out.trial_time = s.duration("trial_time");
    out.trial_idle = s.duration("trial_idle");
  }

  void resources(Spec& spec) {
    read_resources(top_.section("resources"), spec.resources);
    auto s = top_.section("trial");
    spec.gang.ranks = static_cast<int>(s.integer("ranks", {1, 100'000}).value_or(1));
    read_resources(s.section("per_rank", "resources"), spec.resources);
    if (const auto* m = s.member("per_rank"); m && top_.member("resources"))
      findings_.add("E013", m->key_span, "`resources` and `per_rank` exclude each other", "`resources` alone says what each rank needs, too");
    spec.launcher = s.word<RankLauncher>("launch", {{"env", RankLauncher::env},
                                                    {"torchrun", RankLauncher::torchrun},
                                                    {"mpirun", RankLauncher::mpirun},
                                                    {"srun", RankLauncher::srun}})
                        .value_or(RankLauncher::env);
    spec.gang.spread = s.word<bool>("spread", {{"pack", false}, {"spread", true}}).value_or(false);
    spec.gang.across = s.boolean("across").value_or(false);
  }

  void retry(RetrySpec& out) {
    auto s = top_.section("retry");
    out.max = static_cast<int>(s.integer("max", {0, 1000}).value_or(0));
    out.backoff = s.duration("backoff").value_or(out.backoff);
    out.memory_factor = s.number("memory_factor", kFromOne).value_or(1);
    const auto words = s.texts("on");
    if (!words) return;
    out.on.clear();
    for (std::size_t i = 0; i < words->size(); ++i) {
      static constexpr std::array<std::string_view, 7> served{"exit", "signal",    "timeout", "silence",
                                                              "oom",  "no-metric", "nan"};
      const Span span = s.member("on")->value.items[i].span;
      if (std::find(served.begin(), served.end(), (*words)[i]) != served.end())
        out.on.push_back(*cause((*words)[i]));
      else if ((*words)[i] == "gang")
        findings_.add("E007", span, "a gang is retried for what ended its first rank, so \"gang\" is no cause to retry on", "name the causes of its ranks");
      else
        findings_.add("E007", span,
                      shown((*words)[i]) +
                          " is no cause to retry on; there are exit, signal, timeout, silence, oom, no-metric and nan");
    }
  }

  /// Of "shared:PATH"; empty: of "coordinator", or reported.
  std::string shared_folder(const std::optional<std::string>& store, Span span) {
    constexpr std::string_view kShared = "shared:";
    if (!store || *store == "coordinator") return {};
    if (store->starts_with(kShared) && store->size() > kShared.size()) return below(context_.folder, store->substr(kShared.size()));
    findings_.add("E007", span, shown(*store) + " is no place for checkpoints; there are \"coordinator\" and \"shared:PATH\"");
    return {};
  }

  void edges(Spec& spec) {
    if (auto s = top_.section("checkpoint"); s.present()) {
      CheckpointSpec c;
      c.keep = static_cast<int>(s.integer("keep", {1, 1'000'000}).value_or(1));
      c.keep_best = s.boolean("keep_best").value_or(true);
      c.every = s.integer("every", kFromOne);
      if (const auto* m = s.member("store")) c.shared = shared_folder(s.text("store"), m->span());
      spec.checkpoint = c;
    }
    auto shutdown = top_.section("shutdown");
    spec.shutdown.grace = shutdown.duration("grace").value_or(spec.shutdown.grace);
    spec.shutdown.signal = shutdown.word<int>("signal", {{"SIGTERM", 15}, {"SIGINT", 2}, {"SIGUSR1", 10}}).value_or(15);
    if (const auto store = top_.text("store")) {
      if (store->empty()) findings_.add("E011", top_.member("store")->span(), "`store` is empty");
      spec.store = *store == ":memory:" ? *store : below(context_.folder, *store);
    }
    auto metrics = top_.section("metrics");
    spec.metrics_address = metrics.text("address").value_or("");
    spec.metrics_public = metrics.boolean("public").value_or(false);
  }

  void remember(Places& places) const {
    const auto* root = top_.node();
    places.top = top_.where();
    if (!root) return;
    for (const auto& m : root->members) {
      places.keys[m.key] = m.span();
      if (m.value.kind == JsonNode::Kind::object)
        for (const auto& inner : m.value.members) places.keys[m.key + "." + inner.key] = inner.span();
    }
    if (const auto* m = root->find("command"); m && m->value.kind == JsonNode::Kind::array)
      for (const auto& item : m->value.items) places.command.push_back(item.span);
  }

  Findings& findings_;
  const ConfigContext& context_;
  Section top_;
  bool space_known_ = false;
};

void report_json(Findings& findings, const JsonFault& fault) {
  switch (fault.kind) {
    case JsonFault::Kind::syntax: {
      // What is missing at the end is missing after the last text, not after the last blank line.
      const auto text = findings.text(fault.span.source);
      const auto last = text.find_last_not_of(" \t\r\n");
      const auto at = std::min(fault.span.begin, last == std::string_view::npos ? 0 : last + 1);
      findings.add("E001", {fault.span.source, at, at + 1}, fault.message);
      break;
    }
    case JsonFault::Kind::duplicate:
      findings.add("E002", fault.span, shown(fault.message) + " is given twice in one object",
                   "one of the two would be lost; keep one");
      break;
    case JsonFault::Kind::encoding:
      findings.add("E016", fault.span, fault.message);
      break;
  }
}

}  // namespace

std::string below(std::string_view folder, std::string_view path) {
  if (path.starts_with('/')) return std::string{path};
  if (path == "." || path.empty()) return std::string{folder};
  return std::string{folder} + (folder.ends_with('/') ? "" : "/") + std::string{path};
}

void read_resources(Section s, Resources& out) {
  out.cpus = s.number("cpu", kPositive).value_or(out.cpus);
  if (const auto gpus = s.number("gpu", kFromZero)) {
    out.gpus = *gpus;
    if (*gpus > 1 && *gpus != static_cast<double>(static_cast<std::int64_t>(std::min(*gpus, 1e6))))
      s.findings().add("E006", s.member("gpu")->span(), "`gpu` is a share below 1 or a whole number of devices");
  }
  out.memory_bytes = s.bytes("memory").value_or(out.memory_bytes);
  if (!s.present()) return;
  for (const auto& m : s.node()->members) {
    if (m.key == "cpu" || m.key == "gpu" || m.key == "memory") continue;
    if (const auto n = number_of(s.findings(), m.value, m.span(), m.key, kFromZero)) out.custom[m.key] = *n;
  }
}

}  // namespace detail

std::string default_name(std::string_view file, std::string_view folder) {
  std::string_view name =
      file.substr(file.find_last_of('/') == std::string_view::npos ? 0 : file.find_last_of('/') + 1);
  name =
      name.substr(0, std::max<std::size_t>(
                         name.find_last_of('.') == std::string_view::npos ? name.size() : name.find_last_of('.'), 0));
  if (name == "config" || name.empty()) {
    while (folder.size() > 1 && folder.ends_with('/')) folder.remove_suffix(1);
    name = folder.substr(folder.find_last_of('/') == std::string_view::npos ? 0 : folder.find_last_of('/') + 1);
  }
  std::string out;
  for (const char c : name.substr(0, 63)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (plain || (!out.empty() && (c == '.' || c == '_' || c == '-')))
      out += c;
    else if (!out.empty() && out.back() != '-')
      out += '-';
  }
  while (out.ends_with('-')) out.pop_back();
  return out.empty() ? "experiment" : out;
}

ConfigResult read_config(std::string_view text, const ConfigContext& context) {
  ConfigResult out;
  detail::Findings findings;
  findings.add_source(context.file, std::string{text});
  constexpr std::size_t kMost = 8 << 20;
  std::optional<JsonNode> root;
  if (text.size() > kMost)
    findings.add("E001", {0, 0, 1}, "a config has at most 8 MiB");
  else
    root = parse_json(text, 0, [&](const JsonFault& fault) { detail::report_json(findings, fault); });
  if (root && root->kind != JsonNode::Kind::object) {
    findings.add("E004", root->span, "a config must be an object and is " + std::string{detail::kind_of(*root)});
    root.reset();
  }
  if (root) {
    Spec spec;
    detail::Places places;
    detail::apply_sets(findings, *root, context.sets);
    detail::Reader reader{findings, context, *root};
    reader.read(spec, places);
    detail::population_defaults(spec);
    if (reader.space_known()) detail::check_whole(findings, spec, places, context.catalogue);
    if (!findings.has_errors()) {
      spec.effective = detail::effective_config(spec, *root, context.catalogue);
      out.spec = std::move(spec);
    }
  }
  findings.finish(out);
  return out;
}

}  // namespace tune
