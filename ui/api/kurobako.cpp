// SPDX-License-Identifier: Apache-2.0
#include "ui/api/kurobako.hpp"

#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "tuner/config.hpp"
#include "tuner/json.hpp"
#include "tuner/json_document.hpp"
#include "ui/api/policies.hpp"

namespace tune {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();
constexpr std::int64_t kLargestSeed = (std::int64_t{1} << 53) - 1;

Error invalid(std::string message) { return {Error::Code::invalid, std::move(message), {}}; }

const JsonNode* member(const JsonNode& node, std::string_view key) {
  const auto* found = node.find(key);
  return found ? &found->value : nullptr;
}

std::string text_of(const JsonNode& node, std::string_view key) {
  const auto* found = member(node, key);
  return found && found->kind == JsonNode::Kind::string ? found->text : std::string{};
}

std::optional<std::int64_t> whole(const JsonNode* node) {
  return node && node->kind == JsonNode::Kind::number ? node->integer : std::nullopt;
}

/// An identifier or seed: unsigned, up to 64 bits. Above 2^63 only the leading 53 bits are told apart.
std::optional<std::uint64_t> unsigned_of(const JsonNode* node) {
  if (const auto n = whole(node); n && *n >= 0) return static_cast<std::uint64_t>(*n);
  if (!node || node->kind != JsonNode::Kind::number || !(node->number >= 0 && node->number <= 0x1p64))
    return std::nullopt;
  return static_cast<std::uint64_t>(std::min(node->number, 0x1.fffffffffffffp63));
}

double bound(const JsonNode& range, const char* key, double absent) {
  const auto* given = member(range, key);
  return given && given->kind == JsonNode::Kind::number ? given->number : absent;
}

/// One variable of the problem's domain. Its name there does not matter: parameters are passed by place.
struct Variable {
  enum class Kind : std::uint8_t { continuous, discrete, categorical } kind = Kind::continuous;
  bool logarithmic = false;
  double low = 0, high = 0;  // Half open, as there.

  std::string name(std::size_t place) const { return "p" + std::to_string(place); }
  /// The parameter in a config. A single value is a constant.
  void write(JsonWriter& out) const;
  /// The value as the problem wants it.
  double value(const Value& of_ours) const;
};

Result<Variable> variable_of(const JsonNode& node) {
  const auto name = "`" + printable(text_of(node, "name")) + "`";
  if (member(node, "constraint")) return invalid("the domain is conditional: " + name + " has a constraint in Lua");
  const auto* range = member(node, "range");
  if (!range) return invalid("variable " + name + " has no range");
  Variable out;
  out.logarithmic = text_of(node, "distribution") == "LOG_UNIFORM";
  const auto type = text_of(*range, "type");
  if (type == "CATEGORICAL") {
    const auto* choices = member(*range, "choices");
    out.kind = Variable::Kind::categorical, out.logarithmic = false;
    out.high = choices ? static_cast<double>(choices->items.size()) : 0;
  } else if (type == "CONTINUOUS" || type == "DISCRETE") {
    out.kind = type == "DISCRETE" ? Variable::Kind::discrete : Variable::Kind::continuous;
    out.low = bound(*range, "low", -kInfinity), out.high = bound(*range, "high", kInfinity);
    if (out.kind == Variable::Kind::discrete && (!whole(member(*range, "low")) || !whole(member(*range, "high"))))
      return invalid("variable " + name + " needs whole bounds");
  } else {
    return invalid("variable " + name + " has a range of unknown type `" + printable(type) + "`");
  }
  if (!(out.low < out.high)) return invalid("variable " + name + " has no values");
  if (!std::isfinite(out.high - out.low)) return invalid("variable " + name + " has no bounds");
  if (out.logarithmic && !(out.low > 0)) return invalid("variable " + name + " is logarithmic and reaches 0");
  return out;
}

void Variable::write(JsonWriter& out) const {
  const auto first = static_cast<std::int64_t>(low), last = static_cast<std::int64_t>(high) - 1;
  if (kind != Kind::continuous && first == last) {
    out.value(first);
    return;
  }
  out.begin_object().key("type");
  if (kind == Kind::categorical) {
    out.value("choice").key("values").begin_array();
    for (std::int64_t i = 0; i <= last; ++i) out.value(i);
    out.end_array();
  } else if (kind == Kind::discrete) {
    out.value(logarithmic ? "logint" : "int").key("min").value(first).key("max").value(last);
  } else {
    out.value(logarithmic ? "loguniform" : "uniform").key("min").value(low).key("max").value(high);
  }
  out.end_object();
}

double Variable::value(const Value& of_ours) const {
  const double x = to_number(of_ours).value_or(low);
  return kind == Kind::continuous ? std::clamp(x, low, std::nextafter(high, low)) : x;
}

struct Problem {
  std::vector<Variable> variables;
  std::size_t objectives = 0;
  std::vector<std::int64_t> steps;  ///< At which a trial can be looked at; ascending.
};

Result<std::vector<std::int64_t>> steps_of(const JsonNode* node) {
  std::vector<std::int64_t> steps;
  if (const auto last = whole(node)) {
    steps.push_back(*last);
  } else if (node && node->kind == JsonNode::Kind::array) {
    for (const auto& item : node->items) steps.push_back(whole(&item).value_or(0));
  }
  const bool ascending = std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>{}) == steps.end();
  if (steps.empty() || steps.front() < 1 || !ascending) return invalid("the problem's steps make no sense");
  return steps;
}

Result<Problem> problem_of(const JsonNode& node) {
  const auto *params = member(node, "params_domain"), *values = member(node, "values_domain");
  if (!params || !values || params->items.empty() || values->items.empty())
    return invalid("the problem has no params_domain or no values_domain");
  Problem out;
  for (const auto& item : params->items) {
    auto variable = variable_of(item);
    if (!variable) return variable.error();
    out.variables.push_back(*variable);
  }
  out.objectives = values->items.size();
  auto steps = steps_of(member(node, "steps"));
  if (!steps) return steps.error();
  out.steps = std::move(*steps);
  return out;
}

std::string metric(std::size_t objective) { return "v" + std::to_string(objective); }

std::string config_of(const Problem& problem, const KurobakoOptions& options, std::uint64_t seed) {
  std::string text;
  JsonWriter out(text);
  out.begin_object().key("name").value("kurobako");
  out.key("seed").value(static_cast<std::int64_t>(seed & kLargestSeed)).key("params").begin_object();
  for (std::size_t i = 0; i < problem.variables.size(); ++i) {
    out.key(problem.variables[i].name(i));
    problem.variables[i].write(out);
  }
  out.end_object().key(problem.objectives == 1 ? "objective" : "objectives");
  if (problem.objectives > 1) out.begin_array();
  for (std::size_t i = 0; i < problem.objectives; ++i)
    out.begin_object().key("metric").value(metric(i)).key("goal").value("minimize").end_object();
  if (problem.objectives > 1) out.end_array();
  out.key("search").begin_object().key("type").value(options.search).end_object();
  out.key("scheduler").begin_object().key("type").value(options.scheduler);
  const bool halves = options.scheduler == "asha" || options.scheduler == "hyperband";
  if (halves && problem.steps.back() > 1) out.key("max_step").value(problem.steps.back());
  // A study that only fails goes on as long as its budget: nobody but kurobako ends it.
  out.end_object().key("stop").begin_object().key("max_failures").value(std::int64_t{1'000'000'000}).end_object();
  out.end_object();
  return text;
}

Result<Spec> spec_of(const Problem& problem, const KurobakoOptions& options, std::uint64_t seed) {
  auto read = read_config(config_of(problem, options, seed), {catalogue(), "kurobako", "/", options.sets, false});
  if (read.spec) return std::move(*read.spec);
  const auto& first = read.diagnostics.front();
  return Error{Error::Code::invalid, first.message, first.hint};
}

/// Error kinds of kurobako_core/src/error.rs.
std::string error_reply(const Error& error, const char* kind = "INVALID_INPUT") {
  std::string text;
  JsonWriter(text)
      .begin_object()
      .key("type")
      .value("ERROR_REPLY")
      .key("kind")
      .value(kind)
      .key("message")
      .value(error.message + (error.hint.empty() ? "" : " (" + error.hint + ")"))
      .end_object();
  return text;
}

}  // namespace

/// One solver_id: an experiment, and which of its trials has which id over there.
class KurobakoSolver::Study {
 public:
  static Result<std::unique_ptr<Study>> make(const JsonNode& message, const KurobakoOptions& options) {
    const auto* given = member(message, "problem");
    const auto seed = unsigned_of(member(message, "random_seed"));
    if (!given || !seed) return invalid("CREATE_SOLVER_CAST has no problem or no random_seed");
    auto problem = problem_of(*given);
    if (!problem) return problem.error();
    auto spec = spec_of(*problem, options, *seed);
    if (!spec) return spec.error();
    SweepOptions in_memory;
    in_memory.store = ":memory:";
    auto experiment = AskTell::open(std::move(*spec), in_memory);
    if (!experiment) return experiment.error();
    return std::unique_ptr<Study>(
        new Study(std::move(*problem), std::move(*experiment), options.scheduler != "fifo"));
  }

  Result<std::string> ask(std::uint64_t next_id) {
    if (!pruned_.empty()) {
      const auto id = pruned_.front();
      pruned_.pop_front();
      return reply(id, history().trial(ours_.at(id)).params, std::nullopt, next_id);
    }
    if (!going_on_.empty()) {
      const auto id = going_on_.front();
      going_on_.pop_front();
      const auto& trial = history().trial(ours_.at(id));
      return reply(id, trial.params, step_after(trial.last_step), next_id);
    }
    const auto asked = experiment_->ask();
    if (!asked) return asked.error();
    if (!*asked) return best_again(next_id);
    const auto [known, fresh] = theirs_.try_emplace((*asked)->id, next_id);
    ours_[known->second] = (*asked)->id;
    return reply(known->second, (*asked)->params, step_after((*asked)->last_step), next_id + fresh);
  }

  Result<Done> tell(const JsonNode& trial) {
    const auto id = unsigned_of(member(trial, "id"));
    if (id && repeated_.contains(*id)) return Done{};
    const auto found = id ? ours_.find(*id) : ours_.end();
    if (found == ours_.end()) return invalid("no such trial was asked for");
    const auto* values = member(trial, "values");
    if (!values || values->items.empty()) {
      AskTell::Told unevaluable;
      unevaluable.cause = Cause::infeasible, unevaluable.text = "kurobako could not evaluate it";
      return done(experiment_->tell(found->second, unevaluable));
    }
    if (values->items.size() != problem_.objectives) return invalid("a trial has as many values as objectives");
    const auto step = whole(member(trial, "current_step")).value_or(problem_.steps.back());
    const Metrics metrics = metrics_of(*values);
    if (!stepwise_ || step >= problem_.steps.back()) return done(experiment_->tell(found->second, {metrics, step}));
    return report(*id, found->second, step, metrics);
  }

 private:
  Study(Problem problem, std::unique_ptr<AskTell> experiment, bool stepwise)
      : problem_(std::move(problem)), experiment_(std::move(experiment)), stepwise_(stepwise) {}

  const History& history() const { return experiment_->history(); }

  static Result<Done> done(const Result<TrialState>& told) {
    if (!told) return told.error();
    return Done{};
  }

  Result<Done> report(std::uint64_t id, TrialId trial, std::int64_t step, const Metrics& metrics) {
    const auto order = experiment_->report(trial, step, metrics);
    if (!order) return order.error();
    if (*order == AskTell::Order::go_on) return going_on_.push_back(id), Done{};
    if (*order == AskTell::Order::stop) pruned_.push_back(id);
    return done(experiment_->tell(trial, {}));  // A paused one comes back through ask().
  }

  std::int64_t step_after(std::int64_t step) const {
    if (!stepwise_) return problem_.steps.back();
    // One number N stands for 1 … N there.
    if (problem_.steps.size() == 1) return std::min(step + 1, problem_.steps.back());
    const auto next = std::upper_bound(problem_.steps.begin(), problem_.steps.end(), step);
    return next == problem_.steps.end() ? problem_.steps.back() : *next;
  }

  Metrics metrics_of(const JsonNode& values) const {
    Metrics out;
    std::vector<std::string> names;
    for (std::size_t i = 0; i < values.items.size(); ++i) {
      const auto& item = values.items[i];
      names.push_back(metric(i));
      out.values.push_back(item.kind == JsonNode::Kind::number ? item.number
                                                               : std::numeric_limits<double>::quiet_NaN());
    }
    out.names = std::make_shared<const std::vector<std::string>>(std::move(names));
    return out;
  }

  Result<std::string> best_again(std::uint64_t next_id) {
    const auto best = history().best();
    if (!best) return Error{Error::Code::conflict, experiment_->reason().why, {}};
    repeated_.insert(next_id);
    return reply(next_id, history().trial(*best).params, problem_.steps.back(), next_id + 1);
  }

  std::string reply(std::uint64_t id, const Params& params, std::optional<std::int64_t> step,
                    std::uint64_t next_id) const {
    std::string text;
    JsonWriter out(text);
    out.begin_object().key("type").value("ASK_REPLY").key("trial").begin_object();
    out.key("id").raw(std::to_string(id)).key("params").begin_array();
    for (std::size_t i = 0; i < problem_.variables.size(); ++i) {
      const auto* value = params.find(problem_.variables[i].name(i));
      value ? out.value(problem_.variables[i].value(*value)) : out.null();
    }
    out.end_array().key("next_step");
    step ? out.value(*step) : out.null();
    out.end_object().key("next_trial_id").raw(std::to_string(next_id)).end_object();
    return text;
  }

  const Problem problem_;
  const std::unique_ptr<AskTell> experiment_;
  const bool stepwise_;
  std::map<std::uint64_t, TrialId> ours_;
  std::map<TrialId, std::uint64_t> theirs_;
  std::set<std::uint64_t> repeated_;  // Asked for when the space was used up.
  std::deque<std::uint64_t> going_on_, pruned_;
};

KurobakoSolver::KurobakoSolver(KurobakoOptions options) : options_(std::move(options)) {}
KurobakoSolver::~KurobakoSolver() = default;

Result<std::unique_ptr<KurobakoSolver>> KurobakoSolver::make(KurobakoOptions options) {
  // A made-up problem, so that what is wrong with the options is said now and not in the middle of a benchmark.
  const Problem probe{{{Variable::Kind::discrete, false, 0, 10}}, 1, {100}};
  if (const auto spec = spec_of(probe, options, 0); !spec) return spec.error();
  return std::unique_ptr<KurobakoSolver>(new KurobakoSolver(std::move(options)));
}

std::string KurobakoSolver::specification() const {
  std::string text;
  JsonWriter out(text);
  out.begin_object().key("type").value("SOLVER_SPEC_CAST").key("spec").begin_object();
  out.key("name").value("tune-" + options_.search + (options_.scheduler == "fifo" ? "" : "-" + options_.scheduler));
  out.key("attrs").begin_object().key("version").value(TUNE_VERSION).end_object().key("capabilities").begin_array();
  for (const char* capability : {"UNIFORM_CONTINUOUS", "UNIFORM_DISCRETE", "LOG_UNIFORM_CONTINUOUS",
                                 "LOG_UNIFORM_DISCRETE", "CATEGORICAL", "MULTI_OBJECTIVE", "CONCURRENT"})
    out.value(capability);
  out.end_array().end_object().end_object();
  return text;
}

void KurobakoSolver::create(std::uint64_t solver, const JsonNode& message) {
  auto study = Study::make(message, options_);
  refused_.erase(solver);
  if (study)
    studies_[solver] = std::move(*study);
  else
    refused_[solver] = study.error();
}

std::optional<std::string> KurobakoSolver::answer(std::string_view line) {
  std::string fault;
  const auto message = parse_json(line, 0, [&](const JsonFault& found) { fault = found.message; });
  if (!message || message->kind != JsonNode::Kind::object) return error_reply(invalid("no message: " + fault));
  const auto type = text_of(*message, "type");
  const auto solver = unsigned_of(member(*message, "solver_id"));
  if (!solver) return error_reply(invalid("the message has no solver_id"));
  if (type == "CREATE_SOLVER_CAST") return create(*solver, *message), std::nullopt;
  if (type == "DROP_SOLVER_CAST") return studies_.erase(*solver), refused_.erase(*solver), std::nullopt;
  if (type != "ASK_CALL" && type != "TELL_CALL")
    return error_reply(invalid("unknown message `" + printable(type) + "`"));

  if (const auto refused = refused_.find(*solver); refused != refused_.end())
    return error_reply(refused->second, "INCAPABLE");
  const auto study = studies_.find(*solver);
  if (study == studies_.end()) return error_reply(invalid("there is no solver " + std::to_string(*solver)));
  if (type == "ASK_CALL") {
    const auto next = unsigned_of(member(*message, "next_trial_id"));
    if (!next) return error_reply(invalid("ASK_CALL has no next_trial_id"));
    const auto reply = study->second->ask(*next);
    return reply ? *reply : error_reply(reply.error(), "OTHER");
  }
  const auto* trial = member(*message, "trial");
  const auto told = trial ? study->second->tell(*trial) : Result<Done>{invalid("TELL_CALL has no trial")};
  return told ? R"({"type":"TELL_REPLY"})" : error_reply(told.error());
}

}  // namespace tune
