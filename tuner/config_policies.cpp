// SPDX-License-Identifier: Apache-2.0
// search, scheduler and executor: a type and its options, checked against the tables of the policies.
#include <algorithm>
#include <cmath>

#include "tuner/config_parts.hpp"
#include "tuner/json.hpp"
#include "tuner/nearest.hpp"

namespace tune {
namespace detail {
namespace {

std::string quote(std::string_view s) { return "\"" + std::string{s} + "\""; }

std::string names_of(const std::vector<PolicyInfo>& table) {
  std::string out;
  for (const auto& p : table) out += (out.empty() ? "" : ", ") + std::string{p.name};
  return out;
}

bool is_choice(const Option& o, std::string_view word) {
  return std::find(o.choices.begin(), o.choices.end(), word) != o.choices.end();
}

std::optional<Value> read_text(Section& s, const Option& o) {
  const auto given = s.text(o.name);
  if (!given) return std::nullopt;
  if (o.choices.empty() || is_choice(o, *given)) return Value{*given};
  std::string list;
  for (const auto c : o.choices) list += (list.empty() ? "" : ", ") + std::string{c};
  const auto near = nearest(*given, std::span<const std::string_view>{o.choices});
  s.findings().add("E007", s.member(o.name)->span(),
                   shown(*given) + " is no value of " + shown(o.name) + "; there are " +
                       (o.kind == Option::Kind::text ? "" : "numbers and ") + list,
                   near.empty() ? "" : "did you mean " + quote(near) + "?");
  return std::nullopt;
}

// The option's value from the config, in the option's kind.
std::optional<Value> read_option(Section& s, const Option& o) {
  const Range range{o.min, o.max};
  const auto* m = s.member(o.name);
  if (m && m->value.kind == JsonNode::Kind::string && !o.choices.empty()) return read_text(s, o);
  switch (o.kind) {
    case Option::Kind::boolean:
      if (const auto b = s.boolean(o.name)) return Value{*b};
      return std::nullopt;
    case Option::Kind::integer:
      if (const auto i = s.integer(o.name, range)) return Value{*i};
      return std::nullopt;
    case Option::Kind::number:
      if (const auto d = s.number(o.name, range)) return Value{*d};
      return std::nullopt;
    case Option::Kind::list:
      if (m && m->value.kind == JsonNode::Kind::array) return Value{to_json(m->value)};
      if (m) s.wrong_type(*m, "a list");
      return std::nullopt;
    case Option::Kind::duration:
      if (s.duration(o.name)) return Value{m->value.text};
      return std::nullopt;
    case Option::Kind::resources: {
      if (!m) return std::nullopt;
      Resources read;
      read_resources(s.section(o.name, "resources"), read);
      return Value{to_json(m->value)};
    }
    case Option::Kind::text:
      break;
  }
  return read_text(s, o);
}

// The default of a table entry, which is written as JSON.
std::optional<Value> default_of(const Option& o) {
  if (o.fallback.empty()) return std::nullopt;
  if (o.kind == Option::Kind::list || o.kind == Option::Kind::resources) return Value{std::string{o.fallback}};
  JsonReader reader{o.fallback};
  switch (reader.next()) {
    case JsonReader::Token::boolean:
      return Value{reader.boolean()};
    case JsonReader::Token::string:
      return Value{std::string{reader.text()}};
    case JsonReader::Token::number:
      if (o.kind == Option::Kind::integer && reader.integer()) return Value{*reader.integer()};
      return Value{reader.number()};
    default:
      return std::nullopt;
  }
}

struct Kind {
  std::string_view key;  // "scheduler"
  const std::vector<PolicyInfo>& table;
  std::string automatic;  // What "auto", or nothing, means now.
  std::string_view heeded = {};  // Whose options "auto" takes, also where it becomes something else.
};

const PolicyInfo* find_policy(const Kind& kind, Section& s, const std::string& type, Span span) {
  const auto found = std::find_if(kind.table.begin(), kind.table.end(), [&](const auto& p) { return p.name == type; });
  if (found != kind.table.end()) return &*found;
  std::vector<std::string_view> names;
  for (const auto& p : kind.table) names.push_back(p.name);
  const auto near = nearest(type, std::span<const std::string_view>{names});
  s.findings().add("E060", span, "there is no " + std::string{kind.key} + " called " + shown(type),
                   near.empty() ? "there are " + names_of(kind.table) : "did you mean " + quote(near) + "?");
  return nullptr;
}

std::vector<std::string_view> all_options(const std::vector<PolicyInfo>& table) {
  std::vector<std::string_view> all;
  for (const auto& p : table)
    for (const auto& o : p.options) all.push_back(o.name);
  return all;
}

// `path`: of the section within the config, by which its keys are placed.
PolicySpec read_policy(Section& s, const Kind& kind, const std::string& path, Places& places) {
  if (s.present() && kind.key != "executor") s.require("type");
  PolicySpec out;
  const bool named = s.member("type") != nullptr;
  out.type = s.text("type").value_or("auto");
  const bool automatic = out.type == "auto";
  if (automatic) out.type = kind.automatic;
  const Span span = named ? s.member("type")->span() : s.where();
  if (named) places.keys[path + ".type"] = span;
  const auto* policy = find_policy(kind, s, out.type, span);
  if (!policy) return out;

  for (const auto& o : policy->options) {
    auto value = read_option(s, o);
    if (!value && !s.member(o.name)) value = default_of(o);
    if (value) out.options.set(std::string{o.name}, std::move(*value));
    if (const auto* m = s.member(o.name)) places.keys[path + "." + m->key] = m->span();
  }
  if (!s.present() || (!named && kind.key != "executor")) return out;  // A missing type is reported already.
  std::vector<std::string_view> known;
  for (const auto& o : policy->options) known.push_back(o.name);
  for (const auto& p : kind.table) {
    if (!automatic || p.name != kind.heeded || p.name == out.type) continue;
    for (const auto& o : p.options) read_option(s, o), known.push_back(o.name);
  }
  for (const auto& m : s.node()->members) {
    const auto is = [&](std::string_view name) { return name == m.key; };
    const bool own = std::any_of(known.begin(), known.end(), is);
    const auto all = all_options(kind.table);
    if (own || std::none_of(all.begin(), all.end(), is)) continue;
    std::string list;
    for (const auto& o : policy->options) list += (list.empty() ? "" : ", ") + std::string{o.name};
    s.findings().add("E062", m.key_span,
                     shown(m.key) + " is no option of " + std::string{kind.key} + " " + quote(out.type),
                     list.empty() ? "it has no options" : "it has " + list);
  }
  return out;
}

// Does a rule before it, or the scheduler, do the same? A threshold looks at one metric.
bool is_repeated(const PolicySpec& rule, const Spec& spec) {
  const auto metric = [&](const PolicySpec& p) {
    const Value* given = p.options.find("metric");
    return given ? *given : Value{spec.objectives.empty() ? std::string{} : spec.objectives.front().metric};
  };
  const auto same = [&](const PolicySpec& p) { return p.type == rule.type && metric(p) == metric(rule); };
  return same(spec.scheduler) || std::any_of(spec.rules.begin(), spec.rules.end(), same);
}

void read_rule(Section& scheduler, const JsonNode& item, const std::string& path, const std::vector<PolicyInfo>& schedulers,
               Spec& spec, Places& places) {
  std::vector<PolicyInfo> rules;
  for (const auto& p : schedulers)
    if (p.rule) rules.push_back(p);
  auto& findings = scheduler.findings();
  if (item.kind != JsonNode::Kind::object)
    return findings.add("E004", item.span, "a rule is an object and not " + std::string{kind_of(item)}, "{\"type\": \"median\"}");
  Section s{findings, &item, item.span, "scheduler.rules", all_options(rules)};
  places.keys[path] = item.span;
  const auto* type = s.require("type");
  if (!type) return;
  const auto is_named = [&](const PolicyInfo& p) { return type->value.kind == JsonNode::Kind::string && p.name == type->value.text; };
  if (std::any_of(schedulers.begin(), schedulers.end(), is_named) && std::none_of(rules.begin(), rules.end(), is_named))
    return findings.add("E069", type->span(), quote(type->value.text) + " is no rule, for it does more than stop trials",
                        "there are " + names_of(rules));
  const auto rule = read_policy(s, {"rule", rules, ""}, path, places);
  if (std::none_of(rules.begin(), rules.end(), is_named)) return;  // Reported already.
  if (is_repeated(rule, spec))
    return findings.add("E069", type->span(),
                        rule.type == spec.scheduler.type ? quote(rule.type) + " is the scheduler already" : "rule " + quote(rule.type) + " stands here twice",
                        rule.type == "threshold" ? "one threshold for each metric" : "");
  spec.rules.push_back(rule);
}

void read_rules(Section& scheduler, const std::vector<PolicyInfo>& schedulers, Spec& spec, Places& places) {
  const auto* m = scheduler.member("rules");
  if (!m) return;
  if (m->value.kind != JsonNode::Kind::array) return scheduler.wrong_type(*m, "a list of rules");
  for (std::size_t i = 0; i < m->value.items.size(); ++i)
    read_rule(scheduler, m->value.items[i], "scheduler.rules." + std::to_string(i), schedulers, spec, places);
}

void read_grow(Section& scheduler, Spec& spec) {
  auto s = scheduler.section("grow", "scheduler.grow");
  if (!s.present()) return;
  GrowSpec grow;
  grow.max = spec.resources;
  s.require("max");
  read_resources(s.section("max", "scheduler.grow.max"), grow.max);
  grow.every = s.integer("every", kFromOne).value_or(1);
  spec.grow = std::move(grow);
}

// Of a trial whose length nobody told nothing is known to be early, in a single step nothing is, and where several objectives
// count the first does not decide alone: there every trial runs to its end. docs/schedulers/auto.md.
std::string automatic_scheduler(const Section& top, const Spec& spec) {
  const auto* scheduler = top.member("scheduler");
  const auto* last = scheduler ? scheduler->value.find("max_step") : nullptr;
  const bool single_step = last && last->value.kind == JsonNode::Kind::number && last->value.number == 1;
  return last && !single_step && spec.objectives.size() == 1 ? "asha" : "fifo";
}

bool is_automatic(const Section& top) {
  const auto* scheduler = top.member("scheduler");
  const auto* type = scheduler ? scheduler->value.find("type") : nullptr;
  return type && type->value.kind == JsonNode::Kind::string && type->value.text == "auto";
}

// What the automatic scheduler sets of asha, where the config does not: measured in docs/benchmarks.md.
void automatic_halving(PolicySpec& asha, const Places& places) {
  auto& options = asha.options;
  const auto* last = options.find("max_step");
  const auto* steps = last ? std::get_if<std::int64_t>(last) : nullptr;
  if (!steps) return;
  const auto* eta = options.find("eta");
  const double between = std::pow(eta ? to_number(*eta).value_or(3) : 3, 3);
  const auto first = std::llround(static_cast<double>(*steps) / between);
  if (!places.keys.contains("scheduler.min_step")) options.set("min_step", std::max<std::int64_t>(1, first));
  if (!places.keys.contains("scheduler.mode")) options.set("mode", std::string{"stop"});
}

}  // namespace

void read_policies(Section& top, const Catalogue& catalogue, Spec& spec, Places& places) {
  const auto read = [&](Section& s, const Kind& kind) { return read_policy(s, kind, std::string{kind.key}, places); };
  const auto section = [&](std::string_view key, const std::vector<PolicyInfo>& table) {
    return top.section(key, "", all_options(table));
  };
  Section search = section("search", catalogue.samplers), scheduler = section("scheduler", catalogue.schedulers),
          runner = section("executor", catalogue.executors);
  spec.search = read(search, {"search", catalogue.samplers, "auto"});
  spec.scheduler = read(scheduler, {"scheduler", catalogue.schedulers, automatic_scheduler(top, spec), "asha"});
  read_rules(scheduler, catalogue.schedulers, spec, places);
  read_grow(scheduler, spec);
  spec.executor =
      read(runner, {"executor", catalogue.executors, spec.trainable.empty() ? "process" : "thread"});

  const auto* executor = top.member("executor");
  if (const auto* m = executor ? executor->value.find("parallel") : nullptr)
    if (const auto n = integer_of(top.findings(), m->value, m->span(), "parallel", {1, 1e6}))
      spec.parallel = static_cast<int>(*n);

  // Schedulers that halve pause and resume where the trial can save, and stop for good where it cannot.
  const bool chosen = places.keys.contains("scheduler.mode");
  if (spec.scheduler.type == "asha" && !chosen)
    spec.scheduler.options.set("mode", std::string{spec.checkpoint ? "promote" : "stop"});
  if (spec.scheduler.type == "hyperband" && !chosen)
    spec.scheduler.options.set("mode", std::string{spec.checkpoint ? "sync" : "async"});
  if (spec.scheduler.type == "asha" && is_automatic(top)) automatic_halving(spec.scheduler, places);
}

namespace {

// What a replay begins with is its one point; a schedule that is none is refused by the scheduler.
void replay_defaults(Spec& spec) {
  if (!spec.stop.trials) spec.stop.trials = 1;
  const auto* text = spec.scheduler.options.find("schedule");
  const auto schedule = text ? parse_json(std::get<std::string>(*text), 0, [](const JsonFault&) {}) : std::nullopt;
  const auto* first = schedule && !schedule->items.empty() ? schedule->items.front().find("params") : nullptr;
  if (!first) return;
  Params params;
  for (const auto& m : first->value.members) {
    const JsonNode& v = m.value;
    if (v.kind == JsonNode::Kind::boolean) params.set(m.key, v.boolean);
    if (v.kind == JsonNode::Kind::string) params.set(m.key, v.text);
    if (v.kind == JsonNode::Kind::number) params.set(m.key, v.integer ? Value{*v.integer} : Value{v.number});
  }
  if (auto complete = spec.space.complete(std::move(params))) spec.points = {std::move(*complete)};
}

}  // namespace

// Members of a population are trials, and they save as often as they are scored.
void population_defaults(Spec& spec) {
  if (spec.scheduler.type == "replay") return replay_defaults(spec);
  if (spec.scheduler.type != "pbt" && spec.scheduler.type != "pb2") return;
  constexpr std::int64_t kMembers = 16;
  auto& options = spec.scheduler.options;
  const auto whole = [&](const char* name) -> std::optional<std::int64_t> {
    const auto* v = options.find(name);
    return v ? std::optional{static_cast<std::int64_t>(*to_number(*v))} : std::nullopt;
  };
  if (!whole("population")) options.set("population", spec.stop.trials.value_or(kMembers));
  if (!spec.stop.trials) spec.stop.trials = whole("population");
  if (spec.checkpoint && !spec.checkpoint->every) spec.checkpoint->every = whole("interval");
}

}  // namespace detail

Result<Params> complete_options(const PolicyInfo& policy, Params given) {
  const auto bad = [&](std::string_view name, const std::string& what) {
    return Error{Error::Code::invalid, std::string{policy.name} + ": option `" + printable(name) + "` " + what, ""};
  };
  for (const auto& [name, value] : given)
    if (std::none_of(policy.options.begin(), policy.options.end(), [&name = name](const auto& o) { return o.name == name; }))
      return bad(name, "is unknown");
  for (const auto& o : policy.options) {
    const Value* value = given.find(o.name);
    if (!value) {
      if (const auto fallback = detail::default_of(o)) given.set(std::string{o.name}, *fallback);
      continue;
    }
    const auto number = to_number(*value);
    const auto* text = std::get_if<std::string>(value);
    if (text && detail::is_choice(o, *text)) continue;
    if (o.kind == Option::Kind::boolean && !std::holds_alternative<bool>(*value))
      return bad(o.name, "must be true or false");
    if (o.kind == Option::Kind::integer && !std::holds_alternative<std::int64_t>(*value))
      return bad(o.name, "must be a whole number");
    if (o.kind == Option::Kind::text && !text) return bad(o.name, "must be a text");
    if (o.kind == Option::Kind::list && (!text || !text->starts_with('['))) return bad(o.name, "must be a list, as JSON text");
    if (o.kind == Option::Kind::text && !o.choices.empty()) return bad(o.name, "has no value `" + printable(*text) + "`");
    if ((o.kind == Option::Kind::integer || o.kind == Option::Kind::number) &&
        (!number || std::holds_alternative<bool>(*value) || !(*number >= o.min && *number <= o.max)))
      return bad(o.name, "must be " + detail::Range{o.min, o.max}.text());
    if (o.kind == Option::Kind::number) given.set(std::string{o.name}, *number);
  }
  return given;
}

}  // namespace tune
