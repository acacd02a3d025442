// SPDX-License-Identifier: Apache-2.0
// Our samplers, fed with the records that the tuner would write.
#include <time.h>

#include <algorithm>
#include <charconv>

#include "bench/regret/tool.hpp"
#include "search/all.hpp"

namespace tune::regret {
namespace {

double thread_cpu_seconds() {
  timespec t{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) / 1e9;
}

Error invalid(std::string message, std::string hint = "") {
  return {Error::Code::invalid, std::move(message), std::move(hint)};
}

template <class Number>
Result<Value> number_option(const Option& o, std::string_view text) {
  Number n{};
  const auto [end, fault] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (fault != std::errc{} || end != text.data() + text.size() || static_cast<double>(n) < o.min ||
      static_cast<double>(n) > o.max)
    return invalid("option " + std::string{o.name} + ": " + printable(text) + " is no number of its range");
  return Value{n};
}

Result<Value> option_value(const Option& o, std::string_view text) {
  if (text.size() > 1 && text.front() == '"') text = text.substr(1, text.size() - 2);  // A default is written as JSON.
  switch (o.kind) {
    case Option::Kind::integer:
      return number_option<std::int64_t>(o, text);
    case Option::Kind::number:
      return number_option<double>(o, text);
    case Option::Kind::boolean:
      if (text == "true" || text == "false") return Value{text == "true"};
      return invalid("option " + std::string{o.name} + " is true or false");
    case Option::Kind::text:
    case Option::Kind::list:
    case Option::Kind::duration:
    case Option::Kind::resources:
      break;
  }
  for (const auto& c : o.choices)
    if (c == text) return Value{std::string{text}};
  if (o.choices.empty()) return Value{std::string{text}};
  return invalid("option " + std::string{o.name} + " has no value " + printable(text));
}

Result<Params> options_of(const PolicyInfo& info, std::string_view text) {
  Params out;
  for (const auto& o : info.options)
    if (!o.fallback.empty()) {
      auto value = option_value(o, o.fallback);
      TUNE_ASSERT(value.has_value(), std::string{o.name});
      out.set(std::string{o.name}, std::move(*value));
    }
  while (!text.empty()) {
    const auto one = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), one.size() + 1));
    const auto name = one.substr(0, one.find('='));
    const auto found =
        std::find_if(info.options.begin(), info.options.end(), [&](const Option& o) { return o.name == name; });
    if (found == info.options.end() || name.size() == one.size())
      return invalid(std::string{info.name} + " has no option like " + printable(one), "options are NAME=VALUE");
    auto value = option_value(*found, one.substr(name.size() + 1));
    if (!value) return value.error();
    out.set(std::string{name}, std::move(*value));
  }
  return out;
}

class SamplerStudy final : public Study {
 public:
  SamplerStudy(std::string name, std::uint64_t seed, std::unique_ptr<Sampler> sampler)
      : name_(std::move(name)), seed_(seed), sampler_(std::move(sampler)) {}

  Result<std::optional<Params>> ask(std::int64_t trial) override {
    const double begin = thread_cpu_seconds();
    auto answer =
        sampler_->exhausted() ? std::nullopt : sampler_->propose({trial}, Rng{seed_, Purpose::propose, trial});
    cpu_ += thread_cpu_seconds() - begin;
    if (!answer) return std::optional<Params>{};
    Propose p;
    p.trial = {trial}, p.source = "sampler", p.sampler = name_;
    p.params = answer->params;
    learn(Decided{std::move(p), {0, name_, std::move(answer->why), std::move(answer->note)}});
    return std::optional<Params>{std::move(answer->params)};
  }

  Result<Done> tell(std::int64_t trial, const Params&, std::optional<double> value) override {
    Settle s;
    s.trial = {trial}, s.at_step = 1;
    if (value) {
      Reported r;
      r.trial = {trial}, r.attempt = 1, r.seq = r.step = 1, r.metrics = {{"loss", *value}}, r.final = true;
      learn(Observation{std::move(r)});
      s.values = {*value};
    } else {
      s.state = TrialState::failed, s.cause = Cause::exit, s.at_step = 0;
    }
    learn(Decided{std::move(s), {}});
    return Done{};
  }

  double cpu_seconds() const override { return cpu_; }

 private:
  void learn(std::variant<Observation, Decided> fact) {
    const Record r{++seq_, {static_cast<double>(seq_)}, 1, std::move(fact)};
    const double begin = thread_cpu_seconds();
    sampler_->learn(r);
    cpu_ += thread_cpu_seconds() - begin;
  }

  std::string name_;
  std::uint64_t seed_;
  std::unique_ptr<Sampler> sampler_;
  Seq seq_ = 0;
  double cpu_ = 0;
};

class SamplerTool final : public Tool {
 public:
  SamplerTool(const SamplerEntry& entry, std::string text, Params options)
      : entry_(entry), text_(std::move(text)), options_(std::move(options)) {}
  std::string name() const override { return text_; }
  std::string version() const override { return TUNE_VERSION; }
  Result<std::unique_ptr<Study>> open(const Problem& problem, std::uint64_t seed, int) override {
    Objective loss;
    loss.metric = "loss";
    auto sampler = entry_.make({problem.space, {loss}, seed, options_});
    if (!sampler) return sampler.error();
    return std::unique_ptr<Study>(
        std::make_unique<SamplerStudy>(std::string{entry_.info.name}, seed, std::move(*sampler)));
  }

 private:
  const SamplerEntry& entry_;
  std::string text_;
  Params options_;
};

}  // namespace

Result<ToolFactory> sampler_tool(const std::string& text) {
  const auto colon = std::min(text.find(':'), text.size());
  for (const auto& entry : samplers()) {
    if (entry.info.name != text.substr(0, colon)) continue;
    auto options = options_of(entry.info, std::string_view{text}.substr(std::min(text.size(), colon + 1)));
    if (!options) return options.error();
    return ToolFactory{[&entry, text, given = std::move(*options)]() -> Result<std::unique_ptr<Tool>> {
      return std::unique_ptr<Tool>(std::make_unique<SamplerTool>(entry, text, given));
    }};
  }
  std::string names;
  for (const auto& entry : samplers()) names += (names.empty() ? "" : ", ") + std::string{entry.info.name};
  return invalid("there is no sampler " + printable(text.substr(0, colon)), "there are " + names);
}

}  // namespace tune::regret
