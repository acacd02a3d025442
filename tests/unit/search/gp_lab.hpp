// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "search/gp/arm.hpp"
#include "unit/search/sampler_rig.hpp"

namespace tune::test {

/// On the plane: least at (0.3, 0.8).
inline double bowl(const Params& p) { return std::pow(number(p, "x") - 0.3, 2) + 2 * std::pow(number(p, "y") - 0.8, 2); }

/// An experiment that is nothing but its sampler.
struct Lab {
  const Space& space;
  SamplerContext context;
  std::unique_ptr<Sampler> sampler;
  std::vector<Record> records;
  std::int64_t next = 0;

  explicit Lab(const Space& s, std::vector<std::string> metrics = {"loss"}, std::vector<OutcomeConstraint> constraints = {},
               double min_improvement = 0)
      : space(s), context{s, {}, 1, {}} {
    for (auto& m : metrics) context.objectives.emplace_back().metric = m;
    context.outcome_constraints = std::move(constraints);
    context.min_improvement = min_improvement;
    restart();
  }
  void restart() {
    sampler = gp_sampler().make(context).value();
    for (const Record& r : records) sampler->learn(r);
  }
  void learn(std::variant<Observation, Decided> fact) {
    records.push_back({static_cast<Seq>(records.size()) + 1, {}, 1, std::move(fact)});
    sampler->learn(records.back());
  }
  Sampler::Proposal ask() const { return sampler->propose({next}, Rng{1, Purpose::propose, next}).value(); }
  Sampler::Proposal propose() {
    auto p = ask();
    Propose what;
    what.trial = {next++}, what.params = p.params, what.source = "sampler", what.sampler = "gp";
    learn(Decided{what, {0, "gp", p.why, p.note}});
    return p;
  }
  void finish(std::int64_t trial, const Metrics& metrics, TrialState state = TrialState::complete) {
    Reported r;
    r.trial = {trial}, r.attempt = 1, r.seq = r.step = 1, r.metrics = metrics;
    if (state != TrialState::failed) learn(Observation{r});
    Settle s;
    s.trial = {trial}, s.state = state, s.at_step = 1;
    if (state == TrialState::failed) s.cause = Cause::oom;
    if (state != TrialState::failed)
      for (const auto& o : context.objectives) s.values.push_back(*metrics.find(o.metric));
    for (const auto& c : context.outcome_constraints)
      if (const auto v = metrics.find(c.metric)) s.feasible = s.feasible && (!c.max || *v <= *c.max);
    learn(Decided{s, {}});
  }
  Params go(double (*f)(const Params&)) {
    auto p = propose();
    finish(next - 1, {{"loss", f(p.params)}});
    return p.params;
  }
};

}  // namespace tune::test
