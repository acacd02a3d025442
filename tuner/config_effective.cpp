// SPDX-License-Identifier: Apache-2.0
// A Spec as a whole config again.
#include <cmath>

#include "tuner/config_parts.hpp"
#include "tuner/json.hpp"
#include "tuner/units.hpp"

namespace tune::detail {
namespace {

using Kind = Dimension::Kind;

class Effective {
 public:
  Effective(std::string& out, const Catalogue& catalogue) : json_(out), catalogue_(catalogue) {}

  void write(const Spec& s, const JsonNode& root) {
    json_.begin_object().key("version").value(1).key("name").value(s.name);
    if (!s.description.empty()) json_.key("description").value(s.description);
    texts("tags", s.tags, false);
    json_.key("seed").value(static_cast<std::int64_t>(s.seed));
    json_.key("order")
        .begin_object()
        .key("mode")
        .value(s.logical_order ? "logical" : "recorded")
        .key("slots")
        .value(s.slots)
        .end_object();
    objectives(s);
    json_.key("on_nan").value(s.on_nan == OnNan::worst ? "worst" : s.on_nan == OnNan::stop ? "stop" : "fail");
    params(s);
    replicates(s.replicates);
    texts("instances", s.instances, false);
    program(s);
    supplies(s);
    report(s.report);
    policy("search", s.search, std::nullopt, catalogue_.samplers);
    scheduler(s);
    policy("executor", s.executor, s.parallel, catalogue_.executors);
    stop(s.stop, s.objectives.size() == 1);
    json_.key("resources");
    amounts(s.resources);
    ranks(s);
    edges(s);
    for (const auto& m : root.members)
      if (m.key.starts_with("x-")) json_.key(m.key).raw(to_json(m.value));
    json_.end_object();
  }

 private:
  void value(const Value& v) { json_.raw(to_json(v)); }
  void texts(std::string_view key, const std::vector<std::string>& all, bool always) {
    if (all.empty() && !always) return;
    json_.key(key).begin_array();
    for (const auto& t : all) json_.value(t);
    json_.end_array();
  }
  void duration(std::string_view key, const std::optional<Duration>& d) {
    if (d) json_.key(key).value(to_text(*d));
  }
  void integer(std::string_view key, const std::optional<std::int64_t>& i) {
    if (i) json_.key(key).value(*i);
  }

  void objective(const Objective& o) {
    json_.begin_object().key("metric").value(o.metric).key("goal").value(o.maximize ? "maximize" : "minimize");
    json_.key("reduce").value(o.reduce == Objective::Reduce::last   ? "last"
                              : o.reduce == Objective::Reduce::best ? "best"
                                                                    : "mean_last_k");
    if (o.reduce == Objective::Reduce::mean_last_k) json_.key("k").value(o.k);
    json_.end_object();
  }
  void objectives(const Spec& s) {
    if (s.objectives.size() == 1) {
      json_.key("objective");
      objective(s.objectives.front());
    } else {
      json_.key("objectives").begin_array();
      for (const auto& o : s.objectives) objective(o);
      json_.end_array();
    }
    if (s.outcome_constraints.empty()) return;
    json_.key("outcome_constraints").begin_object();
    for (const auto& c : s.outcome_constraints) {
      json_.key(c.metric).begin_object();
      if (c.min) json_.key("min").value(*c.min);
      if (c.max) json_.key("max").value(*c.max);
      json_.end_object();
    }
    json_.end_object();
  }

  void test_bound(const char* key, const Test& t) { json_.key(key).value(t.bound); }
  void condition(const std::vector<Test>& tests, std::size_t& i) {
    // Tests on one parent follow one another; a lone `in` has the short form.
    const std::string& parent = tests[i].parent;
    json_.key(parent);
    const auto list = [&](const Test& t) {
      json_.begin_array();
      for (const auto& v : t.values) value(v);
      json_.end_array();
    };
    if (tests[i].op == Test::Op::in) return list(tests[i++]);
    json_.begin_object();
    for (; i < tests.size() && tests[i].parent == parent; ++i) {
      switch (tests[i].op) {
        case Test::Op::gt:
          test_bound("gt", tests[i]);
          break;
        case Test::Op::ge:
          test_bound("ge", tests[i]);
          break;
        case Test::Op::lt:
          test_bound("lt", tests[i]);
          break;
        case Test::Op::le:
          test_bound("le", tests[i]);
          break;
        default:
          json_.key("not"), list(tests[i]);
      }
    }
    json_.end_object();
  }
  void weights(const std::vector<double>& all) {
    json_.key("weights").begin_array();
    for (const double w : all) json_.value(w);
    json_.end_array();
  }
  void prior(const Dimension::Prior& p) {
    json_.key("prior").begin_object();
    if (p.weights.empty())
      json_.key("at").value(p.at).key("width").value(p.width);
    else
      weights(p.weights);
    json_.end_object();
  }
  void dimension(const Dimension& d) {
    static constexpr const char* names[] = {"uniform", "loguniform", "int",  "logint", "normal", "lognormal",
                                            "choice",  "ordinal",    "grid", "bool",   "const"};
    const bool whole = d.kind == Kind::integer || d.kind == Kind::logint;
    const auto number = [&](const char* key, double x) {
      json_.key(key);
      whole ? json_.value(static_cast<std::int64_t>(x)) : json_.value(x);
    };
    json_.key(d.name).begin_object().key("type").value(names[static_cast<std::size_t>(d.kind)]);
    if (d.kind < Kind::choice) {
      if (d.kind == Kind::normal || d.kind == Kind::lognormal) json_.key("mu").value(d.mu).key("sigma").value(d.sigma);
      if (std::isfinite(d.min)) number("min", d.min);
      if (std::isfinite(d.max)) number("max", d.max);
      if (d.step > 0) number("step", d.step);
    } else if (d.kind == Kind::constant) {
      json_.key("value");
      value(d.values.front());
    } else if (d.kind != Kind::boolean) {
      json_.key("values").begin_array();
      for (const auto& v : d.values) value(v);
      json_.end_array();
      if (!d.weights.empty()) weights(d.weights);
    }
    if (d.prior) prior(*d.prior);
    if (!d.when.empty()) {
      json_.key("when").begin_object();
      for (std::size_t i = 0; i < d.when.size();) condition(d.when, i);
      json_.end_object();
    }
    if (!d.unit.empty()) json_.key("unit").value(d.unit);
    if (!d.doc.empty()) json_.key("doc").value(d.doc);
    json_.end_object();
  }
  void params(const Spec& s) {
    json_.key("params").begin_object();
    for (const auto& d : s.space.dimensions()) dimension(d);
    json_.end_object();
    texts("constraints", s.space.constraints(), false);
    texts("warm_start", s.warm_start, false);
    if (s.points.empty()) return;
    json_.key("points").begin_array();
    for (const auto& point : s.points) {
      json_.begin_object();
      for (const auto& [name, v] : point) json_.key(name), value(v);
      json_.end_object();
    }
    json_.end_array();
  }

  void replicates(const Replicates& r) {
    if (r.count == 1) return;
    using Reduce = Replicates::Reduce;
    json_.key("replicates").begin_object().key("count").value(r.count).key("reduce");
    json_.value(r.reduce == Reduce::mean ? "mean" : r.reduce == Reduce::median ? "median" : "worst").end_object();
  }

  void program(const Spec& s) {
    texts("command", s.command, false);
    if (!s.trainable.empty()) {
      json_.key("trainable").begin_object().key("name").value(s.trainable);
      if (!s.plugin.empty()) json_.key("plugin").value(s.plugin);
      json_.end_object();
    }
    json_.key("cwd").value(s.cwd);
    json_.key("env").begin_object();
    for (const auto& [name, text] : s.env) {
      json_.key(name);
      text ? json_.value(*text) : json_.null();
    }
    json_.end_object();
    using Inherit = Spec::Inherit;
    json_.key("env_inherit")
        .value(s.env_inherit == Inherit::all    ? "all"
               : s.env_inherit == Inherit::none ? "none"
                                                : "list");
    texts("env_pass", s.env_pass, false);
  }

  void supplies(const Spec& s) {
    if (!s.inputs.empty()) json_.key("inputs").begin_object();
    for (const auto& [name, input] : s.inputs)
      json_.key(name).begin_object().key("path").value(input.path).key("shared").value(input.shared).end_object();
    if (!s.inputs.empty()) json_.end_object();
    if (s.code) {
      json_.key("code").begin_object().key("root").value(s.code->root);
      texts("include", s.code->include, true);
      texts("exclude", s.code->exclude, false);
      json_.end_object();
    }
    texts("requires", s.required_labels, false);
  }

  void report(const ReportSpec& r) {
    static constexpr const char* channels[] = {"auto", "fd", "socket", "stdout", "regex", "result_file"};
    json_.key("report")
        .begin_object()
        .key("channel")
        .value(channels[static_cast<std::size_t>(r.channel)])
        .key("step")
        .value(r.step);
    if (!r.regex.empty()) {
      json_.key("regex").begin_object();
      for (const auto& [metric, pattern] : r.regex) json_.key(metric).value(pattern);
      json_.end_object();
    }
    if (!r.result_file.empty()) json_.key("result_file").value(r.result_file);
    json_.key("max_line").value(bytes_text(r.max_line_bytes)).end_object();
  }

  static bool is_json(const PolicySpec& p, const std::string& option, const std::vector<PolicyInfo>& table) {
    for (const auto& info : table)
      for (const auto& o : info.options)
        if (info.name == p.type && o.name == option) return o.kind == Option::Kind::list || o.kind == Option::Kind::resources;
    return false;
  }
  void options(const PolicySpec& p, const std::vector<PolicyInfo>& table) {
    for (const auto& [name, v] : p.options) {
      json_.key(name);
      is_json(p, name, table) ? static_cast<void>(json_.raw(std::get<std::string>(v))) : value(v);
    }
  }
  void policy(const char* key, const PolicySpec& p, std::optional<int> parallel, const std::vector<PolicyInfo>& table) {
    json_.key(key).begin_object().key("type").value(p.type);
    if (parallel) json_.key("parallel").value(*parallel);
    options(p, table);
    json_.end_object();
  }
  void scheduler(const Spec& s) {
    json_.key("scheduler").begin_object().key("type").value(s.scheduler.type);
    options(s.scheduler, catalogue_.schedulers);
    if (!s.rules.empty()) {
      json_.key("rules").begin_array();
      for (const auto& rule : s.rules) {
        json_.begin_object().key("type").value(rule.type);
        options(rule, catalogue_.schedulers);
        json_.end_object();
      }
      json_.end_array();
    }
    if (s.grow) {
      json_.key("grow").begin_object().key("max");
      amounts(s.grow->max);
      json_.key("every").value(s.grow->every).end_object();
    }
    json_.end_object();
  }

  // A number where there is a single objective.
  void by_objective(const char* key, const ByObjective& numbers, bool single) {
    if (numbers.empty()) return;
    json_.key(key);
    if (single) return static_cast<void>(json_.value(numbers.begin()->second));
    json_.begin_object();
    for (const auto& [metric, number] : numbers) json_.key(metric).value(number);
    json_.end_object();
  }

  void stop(const StopSpec& s, bool single) {
    json_.key("stop").begin_object();
    integer("trials", s.trials);
    duration("time", s.time);
    if (s.cost) json_.key("cost").value(*s.cost);
    by_objective("target", s.target, single);
    integer("max_failures", s.max_failures);
    if (s.plateau) {
      json_.key("plateau").begin_object().key("trials").value(s.plateau->trials);
      by_objective("min_delta", s.plateau->min_delta, single);
      json_.end_object();
    }
    if (s.improvement)
      json_.key("improvement")
          .begin_object()
          .key("min")
          .value(s.improvement->min)
          .key("chance")
          .value(s.improvement->chance)
          .end_object();
    duration("trial_time", s.trial_time);
    duration("trial_idle", s.trial_idle);
    json_.end_object();
  }

  void ranks(const Spec& s) {
    if (s.gang.ranks == 1) return;
    static constexpr const char* launchers[] = {"env", "torchrun", "mpirun", "srun"};
    json_.key("trial").begin_object().key("ranks").value(s.gang.ranks).key("launch").value(launchers[static_cast<std::size_t>(s.launcher)]);
    json_.key("spread").value(s.gang.spread ? "spread" : "pack").key("across").value(s.gang.across).end_object();
  }
  void amounts(const Resources& r) {
    json_.begin_object().key("cpu").value(r.cpus).key("gpu").value(r.gpus);
    if (r.memory_bytes > 0) json_.key("memory").value(bytes_text(r.memory_bytes));
    for (const auto& [name, amount] : r.custom) json_.key(name).value(amount);
    json_.end_object();
  }

  void edges(const Spec& s) {
    json_.key("retry")
        .begin_object()
        .key("max")
        .value(s.retry.max)
        .key("backoff")
        .value(to_text(s.retry.backoff))
        .key("on")
        .begin_array();
    for (const Cause c : s.retry.on) json_.value(to_text(c));
    json_.end_array().key("memory_factor").value(s.retry.memory_factor).end_object();
    if (s.checkpoint) {
      json_.key("checkpoint")
          .begin_object()
          .key("keep")
          .value(s.checkpoint->keep)
          .key("keep_best")
          .value(s.checkpoint->keep_best);
      integer("every", s.checkpoint->every);
      if (!s.checkpoint->shared.empty()) json_.key("store").value("shared:" + s.checkpoint->shared);
      json_.end_object();
    }
    json_.key("shutdown").begin_object().key("grace").value(to_text(s.shutdown.grace));
    json_.key("signal")
        .value(s.shutdown.signal == 2    ? "SIGINT"
               : s.shutdown.signal == 10 ? "SIGUSR1"
                                         : "SIGTERM")
        .end_object();
    if (!s.store.empty()) json_.key("store").value(s.store);
    json_.key("metrics").begin_object();
    if (!s.metrics_address.empty()) json_.key("address").value(s.metrics_address);
    json_.key("public").value(s.metrics_public).end_object();
  }

  JsonWriter json_;
  const Catalogue& catalogue_;
};

}  // namespace

std::string effective_config(const Spec& spec, const JsonNode& root, const Catalogue& catalogue) {
  std::string out;
  Effective{out, catalogue}.write(spec, root);
  return out;
}

}  // namespace tune::detail
