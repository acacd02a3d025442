// SPDX-License-Identifier: Apache-2.0
#pragma once
#include <memory>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "search/all.hpp"
#include "tuner/config.hpp"

namespace tune::test {

inline Dimension real(std::string name, double min = 0, double max = 1) {
  Dimension d;
  d.name = std::move(name), d.min = min, d.max = max;
  return d;
}

inline Dimension whole(std::string name, double min, double max) {
  Dimension d = real(std::move(name), min, max);
  d.kind = Dimension::Kind::integer;
  return d;
}

inline Dimension choice(std::string name, std::vector<Value> values) {
  Dimension d;
  d.name = std::move(name), d.kind = Dimension::Kind::choice, d.values = std::move(values);
  return d;
}

inline Space plane(std::vector<std::string> constraints = {}) {
  return Space::make({real("x"), real("y")}, std::move(constraints)).value();
}

inline double number(const Params& p, std::string_view name) { return to_number(*p.find(name)).value(); }

/// On the plane: least at (0.7, 0.2).
inline double tilted_bowl(const Params& p) {
  const double x = number(p, "x") - 0.7, y = number(p, "y") - 0.2;
  return 3 * x * x + x * y + y * y;
}

/// A sampler among the records of an experiment: its proposals, and what becomes of them, go in by hand.
struct SamplerRig {
  SamplerRig(SamplerEntry with, Space s, std::uint64_t with_seed = 1, Params options = {}, std::size_t objectives = 1)
      : entry(std::move(with)), space(std::move(s)), seed(with_seed) {
    for (std::size_t i = 0; i < objectives; ++i) goals.push_back(Objective{"y" + std::to_string(i), false, {}, 1});
    sampler = entry.make({space, goals, seed, complete_options(entry.info, std::move(options)).value()}).value();
  }

  Sampler::Proposal ask() const { return sampler->propose({next}, Rng{seed, Purpose::propose, next}).value(); }
  void learn(std::variant<Observation, Decided> fact) {
    records.push_back({static_cast<Seq>(records.size()) + 1, now, 1, std::move(fact)});
    sampler->learn(records.back());
  }
  /// A new trial, from whoever it is.
  std::int64_t put(const Params& params, const Note& note = {}, const std::string& source = "sampler", double seconds = 0) {
    Propose p;
    p.trial = {next}, p.params = params, p.source = source, p.sampler = entry.info.name, p.seconds = seconds;
    trials.push_back(params);
    learn(Decided{p, {0, "", "", note}});
    return next++;
  }
  std::int64_t propose() {
    const auto p = ask();
    return put(p.params, p.note);
  }
  Params open() { return params(propose()); }
  void settle(std::int64_t trial, std::vector<double> values, TrialState state = TrialState::complete) {
    Settle s;
    s.trial = {trial}, s.state = state, s.values = std::move(values);
    if (state == TrialState::failed) s.values.clear(), s.cause = Cause::oom;
    learn(Decided{s, {}});
  }
  void settle(std::int64_t trial, double value, TrialState state = TrialState::complete) {
    settle(trial, std::vector{value}, state);
  }
  /// Proposed and settled.
  template <class F>
  double go(F&& f) {
    const double value = f(open());
    settle(next - 1, value);
    return value;
  }
  const Params& params(std::int64_t trial) const { return trials[static_cast<std::size_t>(trial)]; }

  SamplerEntry entry;
  Space space;
  std::uint64_t seed;
  std::vector<Objective> goals;
  std::unique_ptr<Sampler> sampler;
  std::vector<Record> records;
  std::vector<Params> trials;
  Time now;
  std::int64_t next = 0;
};

}  // namespace tune::test
