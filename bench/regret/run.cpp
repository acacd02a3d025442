// SPDX-License-Identifier: Apache-2.0
#include "bench/regret/run.hpp"

#include <cmath>
#include <queue>
#include <unordered_set>

#include "tuner/rng.hpp"
#include "ui/analysis/statistics.hpp"

namespace tune::regret {
namespace {

struct Pending {
  double at;
  std::int64_t trial;
  Params params;
  bool operator>(const Pending& other) const { return std::pair{at, trial} > std::pair{other.at, other.trial}; }
};

/// One run under way.
class Course {
 public:
  Course(Study& study, const Problem& problem, const Reference& reference, const Setting& setting, Run& run)
      : study_(study), problem_(problem), setting_(setting), run_(run) {
    noise_ = setting.noise * (reference.median - problem.optimum.value_or(reference.best));
  }

  Result<Done> go() {
    while (run_.finished < setting_.trials) {
      while (open_ && started_ < setting_.trials && static_cast<int>(pending_.size()) < setting_.workers)
        if (auto done = ask(); !done) return done;
      if (pending_.empty()) break;
      if (auto done = tell(); !done) return done;
      open_ = true;
    }
    run_.cpu_mean_ms = 1e3 * mean(cpu_);
    run_.cpu_median_ms = 1e3 * median(cpu_);
    return Done{};
  }

 private:
  Result<Done> ask() {
    auto params = study_.ask(started_);
    if (!params) return params.error();
    open_ = params->has_value();
    if (!open_) return Done{};
    if (problem_.nearest) **params = problem_.nearest(**params);
    run_.repeats += !seen_.insert(fingerprint(**params)).second;
    Rng rng{setting_.seed, Purpose::simulate, started_};
    const double takes = setting_.random_durations ? std::exp(0.5 * rng.normal()) : 1;
    pending_.push({now_ + takes, started_++, std::move(**params)});
    return Done{};
  }

  Result<Done> tell() {
    const Pending p = pending_.top();
    pending_.pop();
    now_ = p.at;
    ++run_.finished;
    const auto value = problem_.evaluate(p.params);
    auto told = value;
    if (value) {
      *told += noise_ * Rng{setting_.seed, Purpose::fault, p.trial}.normal();
      see(*value, *told);
    } else {
      run_.failed.push_back(run_.finished);
    }
    auto done = study_.tell(p.trial, p.params, told);
    cpu_.push_back(study_.cpu_seconds() - cpu_so_far_);
    cpu_so_far_ = study_.cpu_seconds();
    return done;
  }

  void see(double value, double told) {
    if (!run_.best.empty() && told >= lowest_told_) return;
    lowest_told_ = told;
    run_.best.emplace_back(run_.finished, value);
  }

  Study& study_;
  const Problem& problem_;
  const Setting& setting_;
  Run& run_;
  double noise_ = 0, now_ = 0, lowest_told_ = 0, cpu_so_far_ = 0;
  int started_ = 0;
  bool open_ = true;  // The tool may be asked: it has not said that it waits.
  std::priority_queue<Pending, std::vector<Pending>, std::greater<>> pending_;
  std::unordered_set<std::uint64_t> seen_;
  std::vector<double> cpu_;
};

}  // namespace

Result<Run> run(Tool& tool, const Problem& problem, const Reference& reference, const Setting& setting) {
  auto study = tool.open(problem, setting.seed, setting.trials);
  if (!study) return study.error();
  Run out;
  out.tool = tool.name(), out.version = tool.version(), out.set = problem.set, out.problem = problem.name;
  out.setting = setting, out.optimum = problem.optimum, out.reference = reference;
  out.floor_share = problem.floor_share;
  if (auto done = Course{**study, problem, reference, setting, out}.go(); !done) return done.error();
  return out;
}

}  // namespace tune::regret
